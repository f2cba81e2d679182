// Answers of an evaluator, by its inputs: a position that was evaluated once, in another game or by
// another order of moves, is not evaluated again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "game.h"

namespace move37 {

// The evaluator's answer for one row, in the view of the side to move.
struct Answer {
  const float* logits;  // [actions], as the evaluator saw the board
  float value;
  float score;
};

// A table of fixed size; an answer takes the place of the older one with the same slot. Belongs
// to one evaluator and one thread.
class EvaluationCache {
 public:
  EvaluationCache(const Game& game, int mib);

  // The key of a row of inputs: 64 bits of hash, taken for the inputs themselves.
  uint64_t key(const uint8_t* planes, const float* globals) const;

  // Whether the answer is known; it stays valid until the next `store` or `clear`.
  bool find(uint64_t key, Answer* answer);

  void store(uint64_t key, const Answer& answer);

  // Forgets all answers, when the evaluator has changed.
  void clear();

  int64_t hits() const { return hits_; }

 private:
  float* slot(uint64_t key) { return answers_.get() + key % keys_.size() * (actions_ + 2); }

  int actions_, plane_bytes_, global_bytes_;
  std::vector<uint64_t> keys_;  // 0: the slot is empty
  std::unique_ptr<float[]> answers_;  // [slots, value, score, logits]; untouched memory costs nothing
  int64_t hits_ = 0;
};

// The cache that the settings ask for, or null for `mib` 0.
std::shared_ptr<EvaluationCache> make_cache(const Game& game, int mib);

}  // namespace move37
