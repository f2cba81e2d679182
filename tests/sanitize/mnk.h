// A game small enough to be solved, written in C++: WIDTH x HEIGHT cells, LINE in a row wins.
#pragma once

#include <cstdint>
#include <cstring>

#include "game.h"

namespace move37 {

template <int kWidth, int kHeight, int kLine>
struct Mnk {
  static constexpr int kArea = kWidth * kHeight;
  static constexpr int kPlanes = 2;

  struct State {
    uint8_t to_move, over;
    int8_t winner;         // 1 the first player, -1 the second, 0 nobody
    uint8_t stones;
    int8_t cells[kArea];   // 1 the first player's, -1 the second's, 0 empty
  };

  static State& of(void* bytes) { return *static_cast<State*>(bytes); }

  static void reset(void* bytes) { of(bytes) = State{}; }

  static int32_t legal(void* bytes, uint8_t* mask) {
    const State& state = of(bytes);
    for (int i = 0; i < kArea; ++i) mask[i] = state.cells[i] == 0;
    return kArea - state.stones;
  }

  static void play(void* bytes, int32_t action) {
    State& state = of(bytes);
    const int8_t own = state.to_move == 0 ? 1 : -1;
    state.cells[action] = own;
    ++state.stones;
    state.to_move ^= 1;
    const int x = action % kWidth, y = action / kWidth;
    const int steps[4][2] = {{1, 0}, {0, 1}, {1, 1}, {1, -1}};
    for (const auto& step : steps) {
      const int length = 1 + run(state, x, y, step[0], step[1]) + run(state, x, y, -step[0], -step[1]);
      if (length >= kLine) state.winner = own;
    }
    state.over = state.winner != 0 || state.stones == kArea;
  }

  static float outcome(void* bytes) { return of(bytes).winner; }

  static uint64_t position_hash(void* bytes) {
    uint64_t hash = of(bytes).to_move;
    for (const int8_t cell : of(bytes).cells) hash = hash * 0x9E3779B97F4A7C15ull + cell + 1;
    return hash;
  }

  static void encode(void* bytes, uint8_t* planes, float* globals) {
    const State& state = of(bytes);
    const int8_t own = state.to_move == 0 ? 1 : -1;
    for (int i = 0; i < kArea; ++i) {
      planes[i] = state.cells[i] == own;
      planes[kArea + i] = state.cells[i] == -own;
    }
    globals[0] = static_cast<float>(state.to_move);
  }

  // The winner's margin: the cells left empty, and one.
  static float score(void* bytes, int8_t* ownership) {
    const State& state = of(bytes);
    std::memcpy(ownership, state.cells, kArea);
    return static_cast<float>(state.winner * (kArea - state.stones + 1));
  }

  static Game game() {
    Game game{};
    game.name = "mnk";
    game.state_bytes = sizeof(State);
    game.to_move_offset = offsetof(State, to_move);
    game.over_offset = offsetof(State, over);
    game.height = kHeight;
    game.width = kWidth;
    game.actions = kArea;
    game.planes = kPlanes;
    game.globals = 1;
    game.max_moves = kArea;
    game.symmetries = 4;
    for (int symmetry = 0; symmetry < game.symmetries; ++symmetry)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x)
          game.point_symmetries.push_back((symmetry & 1 ? kHeight - 1 - y : y) * kWidth +
                                          (symmetry & 2 ? kWidth - 1 - x : x));
    game.action_symmetries = game.point_symmetries;
    game.reset = reset;
    game.legal = legal;
    game.play = play;
    game.outcome = outcome;
    game.position_hash = position_hash;
    game.encode = encode;
    game.score = score;
    return game;
  }

 private:
  // How many of the same player's stones follow a cell in one direction.
  static int run(const State& state, int x, int y, int dx, int dy) {
    const int8_t own = state.cells[y * kWidth + x];
    int length = 0;
    for (x += dx, y += dy; x >= 0 && x < kWidth && y >= 0 && y < kHeight; x += dx, y += dy) {
      if (state.cells[y * kWidth + x] != own) break;
      ++length;
    }
    return length;
  }
};

}  // namespace move37
