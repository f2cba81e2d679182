#include "cache.h"

#include <algorithm>
#include <cstring>

namespace move37 {

namespace {

// Mixes 8 bytes at a time by a multiplication, as FNV and its kin; the shift brings the high bits,
// which depend on all others, to the low ones.
uint64_t mix(uint64_t hash, const void* data, int bytes) {
  const auto* next = static_cast<const uint8_t*>(data);
  for (; bytes > 0; bytes -= 8, next += 8) {
    uint64_t word = 0;
    std::memcpy(&word, next, std::min(bytes, 8));
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

EvaluationCache::EvaluationCache(const Game& game, int mib)
    : actions_(game.actions),
      plane_bytes_(game.plane_bytes()),
      global_bytes_(game.globals * static_cast<int>(sizeof(float))) {
  const int64_t slot_bytes = sizeof(uint64_t) + (actions_ + 2) * sizeof(float);
  keys_.resize(std::max<int64_t>(1, (static_cast<int64_t>(mib) << 20) / slot_bytes));
  answers_.reset(new float[keys_.size() * (actions_ + 2)]);
}

uint64_t EvaluationCache::key(const uint8_t* planes, const float* globals) const {
  const uint64_t hash = mix(mix(0x243F6A8885A308D3ull, planes, plane_bytes_), globals, global_bytes_);
  return std::max<uint64_t>(hash, 1);
}

bool EvaluationCache::find(uint64_t key, Answer* answer) {
  if (keys_[key % keys_.size()] != key) return false;
  const float* found = slot(key);
  *answer = {found + 2, found[0], found[1]};
  ++hits_;
  return true;
}

void EvaluationCache::store(uint64_t key, const Answer& answer) {
  keys_[key % keys_.size()] = key;
  float* stored = slot(key);
  stored[0] = answer.value;
  stored[1] = answer.score;
  std::copy_n(answer.logits, actions_, stored + 2);
}

void EvaluationCache::clear() { std::fill(keys_.begin(), keys_.end(), 0); }

std::shared_ptr<EvaluationCache> make_cache(const Game& game, int mib) {
  return mib > 0 ? std::make_shared<EvaluationCache>(game, mib) : nullptr;
}

}  // namespace move37
