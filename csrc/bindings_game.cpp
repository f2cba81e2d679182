// `Game` in Python: made from the addresses of its rules, it answers for states and game records.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "bindings.h"
#include "samples.h"

namespace move37 {
namespace {

template <typename Function>
Function function_at(const std::map<std::string, uintptr_t>& functions, const char* name) {
  const auto found = functions.find(name);
  return found == functions.end() ? nullptr : reinterpret_cast<Function>(found->second);
}

Game make_game(std::string name, int state_bytes, int to_move_offset, int over_offset, int height,
               int width, int actions, int planes, int globals, int max_moves,
               const Array<int32_t>& point_symmetries, const Array<int32_t>& action_symmetries,
               const std::map<std::string, uintptr_t>& functions) {
  if (actions > kMaxActions) throw std::invalid_argument("a game has at most 16384 actions");
  Game game{};
  game.name = std::move(name);
  game.state_bytes = state_bytes;
  game.to_move_offset = to_move_offset;
  game.over_offset = over_offset;
  game.height = height;
  game.width = width;
  game.actions = actions;
  game.planes = planes;
  game.globals = globals;
  game.max_moves = max_moves;
  game.symmetries = static_cast<int>(point_symmetries.shape(0));
  game.point_symmetries.assign(point_symmetries.data(),
                               point_symmetries.data() + point_symmetries.size());
  game.action_symmetries.assign(action_symmetries.data(),
                                action_symmetries.data() + action_symmetries.size());
  game.reset = function_at<decltype(game.reset)>(functions, "reset");
  game.legal = function_at<decltype(game.legal)>(functions, "legal");
  game.play = function_at<decltype(game.play)>(functions, "play");
  game.outcome = function_at<decltype(game.outcome)>(functions, "outcome");
  game.position_hash = function_at<decltype(game.position_hash)>(functions, "position_hash");
  game.encode = function_at<decltype(game.encode)>(functions, "encode");
  game.score = function_at<decltype(game.score)>(functions, "score");
  game.playout = function_at<decltype(game.playout)>(functions, "playout");
  game.vary = function_at<decltype(game.vary)>(functions, "vary");
  game.setup = function_at<decltype(game.setup)>(functions, "setup");
  return game;
}

uint8_t* state_of(const Game& game, Array<uint8_t>& state) {
  if (state.size() != game.state_bytes) throw std::invalid_argument("state has the wrong size");
  return state.mutable_data();
}

// The number of states in an array [N, state_bytes].
py::ssize_t count_of(const Game& game, const Array<uint8_t>& states) {
  require(states.ndim() == 2 && states.shape(1) == game.state_bytes, "states have the wrong shape");
  return states.shape(0);
}

// Random games to the end; returns their moves. With `owners` [area], which needs game.score, adds up
// who owns each point at their ends.
int64_t playouts(const Game& game, const uint8_t* start, int64_t count, uint64_t seed,
                 float* owners = nullptr) {
  std::vector<uint8_t> state(game.state_bytes), mask;
  std::vector<int8_t> ownership(game.area());
  Rng rng(seed);
  int64_t moves = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(start, game.state_bytes, state.begin());
    moves += play_out(game, state.data(), mask, rng);
    if (owners == nullptr) continue;
    game.score(state.data(), ownership.data());
    for (int p = 0; p < game.area(); ++p) owners[p] += ownership[p];
  }
  return moves;
}

}  // namespace

void bind_game(py::module_& m) {
  py::class_<Game>(m, "Game")
      .def(py::init(&make_game), py::kw_only(), py::arg("name"), py::arg("state_bytes"),
           py::arg("to_move_offset"), py::arg("over_offset"), py::arg("height"), py::arg("width"),
           py::arg("actions"), py::arg("planes"), py::arg("globals"), py::arg("max_moves"),
           py::arg("point_symmetries"), py::arg("action_symmetries"), py::arg("functions"))
      .def_readonly("name", &Game::name)
      .def_readonly("state_bytes", &Game::state_bytes)
      .def_readonly("height", &Game::height)
      .def_readonly("width", &Game::width)
      .def_readonly("actions", &Game::actions)
      .def_readonly("planes", &Game::planes)
      .def_readonly("globals", &Game::globals)
      .def_readonly("max_moves", &Game::max_moves)
      .def_readonly("symmetries", &Game::symmetries)
      // What changes a state takes no copy of it, which a conversion would make.
      .def("reset", [](const Game& game, Array<uint8_t> state) { game.reset(state_of(game, state)); },
           py::arg("state").noconvert())
      .def("play",
           [](const Game& game, Array<uint8_t> state, int action) {
             require(action >= 0 && action < game.actions, "action is out of range");
             game.play(state_of(game, state), action);
           },
           py::arg("state").noconvert(), py::arg("action"))
      .def("to_move",
           [](const Game& game, Array<uint8_t> state) { return game.to_move(state_of(game, state)); })
      .def("over",
           [](const Game& game, Array<uint8_t> state) { return game.over(state_of(game, state)); })
      .def("outcome",
           [](const Game& game, Array<uint8_t> state) { return game.outcome(state_of(game, state)); })
      .def("position_hash",
           [](const Game& game, Array<uint8_t> state) {
             return game.position_hash(state_of(game, state));
           })
      .def("legal_mask",
           [](const Game& game, Array<uint8_t> state) {
             Array<uint8_t> mask(game.actions);
             game.legal(state_of(game, state), mask.mutable_data());
             return mask;
           })
      .def("encode",
           [](const Game& game, Array<uint8_t> state) {
             Array<uint8_t> planes({game.planes, game.height, game.width});
             Array<float> globals(game.globals);
             game.encode(state_of(game, state), planes.mutable_data(), globals.mutable_data());
             return py::make_tuple(planes, globals);
           })
      .def("score",
           [](const Game& game, Array<uint8_t> state) {
             require(game.score != nullptr, "the game has no score");
             Array<int8_t> ownership({game.height, game.width});
             const float score = game.score(state_of(game, state), ownership.mutable_data());
             return py::make_tuple(score, ownership);
           })
      .def(
          "encode_all",
          [](const Game& game, Array<uint8_t> states) {
            const py::ssize_t count = count_of(game, states);
            Array<uint8_t> planes({count, static_cast<py::ssize_t>(game.planes),
                                   static_cast<py::ssize_t>(game.height),
                                   static_cast<py::ssize_t>(game.width)});
            Array<float> globals({count, static_cast<py::ssize_t>(game.globals)});
            Array<uint8_t> masks({count, static_cast<py::ssize_t>(game.actions)});
            for (py::ssize_t i = 0; i < count; ++i) {
              uint8_t* state = states.mutable_data(i, 0);
              game.encode(state, planes.mutable_data(i, 0, 0, 0),
                          globals.mutable_data() + i * game.globals);
              game.legal(state, masks.mutable_data(i, 0));
            }
            return py::make_tuple(planes, globals, masks);
          },
          py::arg("states"),
          "Of states [N, state_bytes]: planes [N, C, H, W], globals [N, G], legal masks [N, A].")
      .def(
          "score_all",
          [](const Game& game, Array<uint8_t> states) {
            require(game.score != nullptr, "the game has no score");
            const py::ssize_t count = count_of(game, states);
            Array<float> scores(count);
            Array<int8_t> ownership({count, static_cast<py::ssize_t>(game.height),
                                     static_cast<py::ssize_t>(game.width)});
            for (py::ssize_t i = 0; i < count; ++i)
              scores.mutable_at(i) =
                  game.score(states.mutable_data(i, 0), ownership.mutable_data(i, 0, 0));
            return py::make_tuple(scores, ownership);
          },
          py::arg("states"),
          "Of states [N, state_bytes]: final margins [N] and ownership [N, H, W], boards as they stand.")
      .def_property_readonly("has_score", [](const Game& game) { return game.score != nullptr; })
      .def(
          "vary",
          [](const Game& game, Array<uint8_t> state, uint64_t seed) {
            if (game.vary != nullptr) game.vary(state_of(game, state), seed);
          },
          py::arg("state").noconvert(), py::arg("seed"), "Draws the rules of a self-play game, where they vary.")
      .def("setup",
           [](const Game& game, Array<uint8_t> state, int action, int piece) {
             require(game.setup != nullptr, "the game has no setup");
             require(action >= 0 && action < game.area(), "action is out of range");
             game.setup(state_of(game, state), action, piece);
           },
           py::arg("state").noconvert(), py::arg("action"), py::arg("piece"))
      .def(
          "playouts",
          [](const Game& game, Array<uint8_t> start, int64_t count, uint64_t seed) {
            const uint8_t* state = state_of(game, start);
            py::gil_scoped_release release;
            return playouts(game, state, count, seed);
          },
          py::arg("start"), py::arg("count"), py::arg("seed"),
          "Plays random games to the end; returns the moves of all of them.")
      .def(
          "playout_ownership",
          [](const Game& game, Array<uint8_t> start, int64_t count, uint64_t seed) {
            require(game.score != nullptr, "the game has no score");
            require(count > 0, "count is not positive");
            const uint8_t* state = state_of(game, start);
            std::vector<float> owners(game.area());
            {
              py::gil_scoped_release release;
              playouts(game, state, count, seed, owners.data());
            }
            for (float& owner : owners) owner /= static_cast<float>(count);
            return array_of(owners).reshape({game.height, game.width});
          },
          py::arg("start"), py::arg("count"), py::arg("seed"),
          "Who owns each point at the end of random games, on average: [H, W], 1 the first player.")
      .def(
          "replay",
          [](const Game& game, Array<uint8_t> state, Array<int16_t> actions) {
            return replay(game, state_of(game, state), actions.data(),
                          static_cast<int>(actions.size()));
          },
          py::arg("state").noconvert(), py::arg("actions"),
          "Plays actions on the state; returns how many were legal before the first that was not.")
      .def(
          "encode_samples",
          [](const Game& game, Array<uint8_t> starts, Array<int32_t> start_of,
             Array<int16_t> actions, Array<int64_t> offsets, Array<int64_t> games, Array<int32_t> ply,
             Array<int32_t> symmetry) {
            const auto count = games.size();
            require(ply.size() == count && symmetry.size() == count, "row arrays differ in length");
            require(starts.size() % game.state_bytes == 0, "starts have the wrong size");
            require(start_of.size() == offsets.size() - 1, "start_of and offsets differ in length");
            const py::ssize_t start_count = starts.size() / game.state_bytes;
            Array<uint8_t> planes({static_cast<py::ssize_t>(count), static_cast<py::ssize_t>(game.planes),
                                   static_cast<py::ssize_t>(game.height),
                                   static_cast<py::ssize_t>(game.width)});
            Array<float> globals({static_cast<py::ssize_t>(count), static_cast<py::ssize_t>(game.globals)});
            Array<uint8_t> legal({static_cast<py::ssize_t>(count), static_cast<py::ssize_t>(game.actions)});
            Array<uint8_t> to_move(count);
            const GameRecords records{starts.data(), start_of.data(), actions.data(), offsets.data()};
            for (py::ssize_t i = 0; i < count; ++i) {
              const int64_t g = games.data()[i];
              require(g >= 0 && g + 1 < offsets.size(), "game index is out of range");
              require(start_of.data()[g] >= 0 && start_of.data()[g] < start_count, "start_of");
              const int64_t length = offsets.data()[g + 1] - offsets.data()[g];
              require(ply.data()[i] >= 0 && ply.data()[i] <= length, "ply is out of range");
              require(symmetry.data()[i] >= 0 && symmetry.data()[i] < game.symmetries, "symmetry");
            }
            uint8_t* planes_out = planes.mutable_data();
            float* globals_out = globals.mutable_data();
            uint8_t* legal_out = legal.mutable_data();
            uint8_t* to_move_out = to_move.mutable_data();
            {
              py::gil_scoped_release release;
              encode_samples(game, records, static_cast<int>(count), games.data(), ply.data(),
                             symmetry.data(), planes_out, globals_out, legal_out, to_move_out);
            }
            return py::make_tuple(planes, globals, legal, to_move);
          },
          py::arg("starts"), py::arg("start_of"), py::arg("actions"), py::arg("offsets"),
          py::arg("games"), py::arg("ply"), py::arg("symmetry"),
          "Encodes positions of game records: (planes [B, C, H, W], globals [B, G], legal [B, A], "
          "to_move [B]).");
}

}  // namespace move37
