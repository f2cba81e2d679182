// A small fast random generator (xoshiro256**, Blackman and Vigna 2018) and the noise we draw.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace move37 {

class Rng {
 public:
  explicit Rng(uint64_t seed) {
    for (auto& word : state_) {  // splitmix64
      uint64_t z = (seed += 0x9E3779B97F4A7C15ull);
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
      word = z ^ (z >> 31);
    }
  }

  uint64_t next() {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // Uniform in (0, 1): never 0, so that its logarithm is finite, nor 1, to which the last would round.
  double uniform() {
    return std::min((static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53, 1 - 0x1.0p-53);
  }

  int below(int n) { return static_cast<int>(uniform() * n); }

  double gumbel() { return -std::log(-std::log(uniform())); }

  double normal() {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform());
  }

  // Marsaglia and Tsang 2000; for shape < 1 by their boost.
  double gamma(double shape) {
    if (shape < 1) return gamma(shape + 1) * std::pow(uniform(), 1 / shape);
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    while (true) {
      const double x = normal(), t = 1 + c * x;
      if (t <= 0) continue;
      const double v = t * t * t;
      if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
  }

  // A draw from the symmetric Dirichlet distribution over n outcomes.
  std::vector<double> dirichlet(int n, double alpha) {
    std::vector<double> draw(n);
    double sum = 0;
    for (auto& x : draw) sum += (x = gamma(alpha));
    for (auto& x : draw) x = sum > 0 ? x / sum : 1.0 / n;
    return draw;
  }

 private:
  static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t state_[4];
};

}  // namespace move37
