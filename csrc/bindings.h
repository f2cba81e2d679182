// What the bindings of the core share: arrays from Python, checked before the core sees them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <stdexcept>
#include <vector>

#include "game.h"
#include "search.h"

namespace move37 {

namespace py = pybind11;

template <typename T>
using Array = py::array_t<T, py::array::c_style>;

void bind_game(py::module_& m);
void bind_search(py::module_& m);
void bind_matches(py::module_& m);

inline void require(bool ok, const char* what) {
  if (!ok) throw std::invalid_argument(what);
}

// A batch over the caller's arrays, planes [capacity, C, H, W] and globals [capacity, G].
inline Batch batch_of(const Game& game, Array<uint8_t>& planes, Array<float>& globals) {
  const auto capacity = planes.shape(0);
  require(planes.size() == capacity * game.plane_bytes(), "planes have the wrong shape");
  require(globals.size() == capacity * game.globals, "globals have the wrong shape");
  return Batch{planes.mutable_data(), globals.mutable_data(), static_cast<int>(capacity)};
}

// The evaluator's answers for `rows` leaves: logits [rows, A], values [rows] and scores [rows], which
// may be None.
inline void require_answers(const Game& game, int rows, const Array<float>& logits,
                            const Array<float>& values,
                            const std::optional<Array<float>>& scores) {
  require(!scores || (scores->ndim() == 1 && scores->shape(0) == rows), "scores have the wrong shape");
  require(logits.ndim() == 2 && logits.shape(0) == rows && logits.shape(1) == game.actions,
          "logits have the wrong shape");
  require(values.ndim() == 1 && values.shape(0) == rows, "values have the wrong shape");
}

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

}  // namespace move37
