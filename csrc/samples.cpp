#include "samples.h"

#include <algorithm>
#include <vector>

namespace move37 {

void encode_samples(const Game& game, const GameRecords& records, int count, const int64_t* games,
                    const int32_t* ply, const int32_t* symmetry, uint8_t* planes, float* globals,
                    uint8_t* legal_masks, uint8_t* to_move) {
  std::vector<uint8_t> state(game.state_bytes), scratch, mask(game.actions);
  for (int i = 0; i < count; ++i) {
    const int64_t start_index = records.start_of[games[i]];
    const uint8_t* start = records.starts + start_index * game.state_bytes;
    std::copy_n(start, game.state_bytes, state.begin());
    const int16_t* actions = records.actions + records.offsets[games[i]];
    for (int move = 0; move < ply[i]; ++move) game.play(state.data(), actions[move]);
    encode_seen(game, state.data(), symmetry[i],
                planes + static_cast<int64_t>(i) * game.plane_bytes(),
                globals + static_cast<int64_t>(i) * game.globals, scratch);
    to_move[i] = static_cast<uint8_t>(game.to_move(state.data()));
    game.legal(state.data(), mask.data());
    const int32_t* table = game.action_symmetries.data() + symmetry[i] * game.actions;
    uint8_t* seen = legal_masks + static_cast<int64_t>(i) * game.actions;
    for (int a = 0; a < game.actions; ++a) seen[a] = mask[table[a]];
  }
}

int replay(const Game& game, uint8_t* state, const int16_t* actions, int count) {
  std::vector<uint8_t> mask(game.actions);
  for (int move = 0; move < count; ++move) {
    if (game.over(state) || actions[move] < 0 || actions[move] >= game.actions) return move;
    game.legal(state, mask.data());
    if (!mask[actions[move]]) return move;
    game.play(state, actions[move]);
  }
  return count;
}

}  // namespace move37
