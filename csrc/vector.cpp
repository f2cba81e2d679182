#include "vector.h"

#include <cmath>
#include <cstring>

// (The thread sanitizer is not yet up when the versions are chosen.)
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__)
#define MOVE37_VECTOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MOVE37_VECTOR
#endif

namespace move37 {

namespace {

// exp(x) for x <= 0: 2^k * 2^f with |f| <= 1/2, the latter by its Taylor polynomial. Written without
// a call or a branch, so that loops over it vectorise.
inline float exp_of_negative(float x) {
  const float scaled = (x < -87.0f ? -87.0f : x) * 1.44269504f;  // below, the result underflows
  const int32_t k = static_cast<int32_t>(scaled - 0.5f);
  const float t = (scaled - static_cast<float>(k)) * 0.693147181f;
  float power = 1.0f / 5040;
  power = power * t + 1.0f / 720;
  power = power * t + 1.0f / 120;
  power = power * t + 1.0f / 24;
  power = power * t + 1.0f / 6;
  power = power * t + 0.5f;
  power = power * t + 1.0f;
  power = power * t + 1.0f;
  const int32_t bits = (k + 127) << 23;
  float two_to_k;
  std::memcpy(&two_to_k, &bits, sizeof two_to_k);
  return power * two_to_k;
}

}  // namespace

MOVE37_VECTOR void softmax(float* values, int n) {
  float largest = values[0];
#pragma omp simd reduction(max : largest)
  for (int i = 0; i < n; ++i) largest = values[i] > largest ? values[i] : largest;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; ++i) {
    values[i] = exp_of_negative(values[i] - largest);
    sum += values[i];
  }
  const float scale = 1 / sum;
  for (int i = 0; i < n; ++i) values[i] *= scale;
}

MOVE37_VECTOR void puct_scores(const float* q, const float* visits, const float* prior, float factor,
                               int n, float* score) {
  for (int i = 0; i < n; ++i) score[i] = q[i] + factor * prior[i] / (1.0f + visits[i]);
}

MOVE37_VECTOR int first_largest(const float* values, int n) {
  float largest = values[0];
#pragma omp simd reduction(max : largest)
  for (int i = 0; i < n; ++i) largest = values[i] > largest ? values[i] : largest;
  int index = n;
#pragma omp simd reduction(min : index)
  for (int i = 0; i < n; ++i) index = values[i] == largest && i < index ? i : index;
  return index;
}

MOVE37_VECTOR bool all_finite(const float* values, int64_t n) {
  int32_t bad = 0;
#pragma omp simd reduction(| : bad)
  for (int64_t i = 0; i < n; ++i) {
    int32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    bad |= (bits & 0x7f800000) == 0x7f800000 ? 1 : 0;
  }
  return bad == 0;
}

}  // namespace move37
