#include "game.h"

namespace move37 {

namespace {

// A uniformly random legal action; among many, guessing finds one sooner than counting.
int random_legal(const Game& game, const std::vector<uint8_t>& mask, int legal, Rng& rng) {
  int action = 0;
  if (legal >= 16) {
    do action = rng.below(game.actions);
    while (!mask[action]);
  } else {
    for (int skip = rng.below(legal); !mask[action] || skip-- > 0;) ++action;
  }
  return action;
}

}  // namespace

int play_out(const Game& game, uint8_t* state, std::vector<uint8_t>& mask, Rng& rng) {
  if (game.playout != nullptr) return game.playout(state, rng.next() >> 1);
  mask.resize(game.actions);
  int moves = 0;
  for (; !game.over(state); ++moves) {
    const int legal = game.legal(state, mask.data());
    game.play(state, random_legal(game, mask, legal, rng));
  }
  return moves;
}

void encode_seen(const Game& game, uint8_t* state, int symmetry, uint8_t* planes, float* globals,
                 std::vector<uint8_t>& scratch) {
  if (symmetry == 0) {
    game.encode(state, planes, globals);
    return;
  }
  const int area = game.area();
  scratch.resize(game.plane_bytes());
  game.encode(state, scratch.data(), globals);
  const int32_t* table = game.point_symmetries.data() + symmetry * area;
  for (int plane = 0; plane < game.planes; ++plane) {
    const uint8_t* from = scratch.data() + plane * area;
    uint8_t* to = planes + plane * area;
    for (int i = 0; i < area; ++i) to[i] = from[table[i]];
  }
}

}  // namespace move37
