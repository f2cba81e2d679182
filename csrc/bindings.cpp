// The Python module of the core, wrapped further in mcts/.
#include "bindings.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The search core of move37: games by address, trees, many games at once.";
  move37::bind_game(m);
  move37::bind_search(m);
  move37::bind_matches(m);
}
