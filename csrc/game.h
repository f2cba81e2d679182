// A game as the core sees it: sizes, symmetry tables and the addresses of its native rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rng.h"

namespace move37 {

constexpr int kMaxActions = 16384;  // the tree counts moves, and room for them, in 16 bits

// All values are the first player's: +1 the first player wins. The same list of rules, with the
// meaning of each, stands in engine/game.py; engine/native.py compiles them to these types.
struct Game {
  std::string name;
  int state_bytes;
  int to_move_offset;  // of the byte that is 0 when the first player is to move, 1 for the second
  int over_offset;     // of the byte that is 1 when the game has ended
  int height, width, actions, planes, globals, max_moves;

  // seen[i] = original[table[s * n + i]] shows the board (or the actions) under symmetry s.
  int symmetries;
  std::vector<int32_t> point_symmetries;   // [symmetries, area]
  std::vector<int32_t> action_symmetries;  // [symmetries, actions]

  void (*reset)(void* state);
  int32_t (*legal)(void* state, uint8_t* mask);
  void (*play)(void* state, int32_t action);
  float (*outcome)(void* state);
  uint64_t (*position_hash)(void* state);
  void (*encode)(void* state, uint8_t* planes, float* globals);
  float (*score)(void* state, int8_t* ownership);      // may be null
  int32_t (*playout)(void* state, uint64_t seed);      // may be null
  void (*vary)(void* state, uint64_t seed);            // may be null
  void (*setup)(void* state, int32_t action, int32_t piece);  // may be null

  int area() const { return height * width; }
  int plane_bytes() const { return planes * area(); }
  int to_move(const uint8_t* state) const { return state[to_move_offset]; }
  bool over(const uint8_t* state) const { return state[over_offset] != 0; }
};

// One slot of a batch: rows of network inputs, filled up to `size`.
struct Batch {
  uint8_t* planes;  // [capacity, planes, height, width]
  float* globals;   // [capacity, globals]
  int capacity;
  int size = 0;
};

// Writes the network's inputs for a state, as seen under a symmetry.
void encode_seen(const Game& game, uint8_t* state, int symmetry, uint8_t* planes, float* globals,
                 std::vector<uint8_t>& scratch);

// Plays a random game to the end and returns its moves: the game's own playout, or else uniformly
// random legal moves. `mask` is scratch.
int play_out(const Game& game, uint8_t* state, std::vector<uint8_t>& mask, Rng& rng);

}  // namespace move37
