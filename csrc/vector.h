// Loops over floats that the compiler turns into vector instructions, in a version for each
// generation of processors where the compiler can choose one at load time.
#pragma once

#include <cstdint>

namespace move37 {

// values[i] becomes exp(values[i]) / sum of all: the softmax of n finite logits, to 1e-5 relative.
void softmax(float* values, int n);

// score[i] = q[i] + factor * prior[i] / (1 + visits[i])
void puct_scores(const float* q, const float* visits, const float* prior, float factor, int n,
                 float* score);

// The first index of the largest of n > 0 values; none may be NaN.
int first_largest(const float* values, int n);

// Whether none of n values is infinite or NaN.
bool all_finite(const float* values, int64_t n);

}  // namespace move37
