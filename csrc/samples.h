// Training inputs from game records: moves are replayed, so a record costs two bytes a position.
#pragma once

#include <cstdint>

#include "game.h"

namespace move37 {

// Games as flat arrays: game g starts from starts[start_of[g]] and plays
// actions[offsets[g] ... offsets[g + 1]). Most games share their start with others.
struct GameRecords {
  const uint8_t* starts;   // [starts, state_bytes]
  const int32_t* start_of; // [games]
  const int16_t* actions;  // [moves of all games]
  const int64_t* offsets;  // [games + 1]
};

// Encodes `count` positions, each before move ply[i] of game games[i], as seen under symmetry[i].
// legal_masks [count, actions] and planes are in the same view; to_move [count] is 0 or 1. The records must have passed
// `replay`: their moves are not checked again.
void encode_samples(const Game& game, const GameRecords& records, int count, const int64_t* games,
                    const int32_t* ply, const int32_t* symmetry, uint8_t* planes, float* globals,
                    uint8_t* legal_masks, uint8_t* to_move);

// Plays all moves on the state. Returns how many were legal before the first illegal one (or the
// end of the game).
int replay(const Game& game, uint8_t* state, const int16_t* actions, int count);

}  // namespace move37
