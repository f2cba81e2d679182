#include "game.h"

namespace move37 {

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
