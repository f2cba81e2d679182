// The Python face of the core, wrapped further in mcts/. Long calls release the GIL.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "game.h"
#include "matches.h"
#include "samples.h"
#include "search.h"

namespace py = pybind11;
using namespace move37;

namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style>;

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

void require(bool ok, const char* what) {
  if (!ok) throw std::invalid_argument(what);
}

// The number of states in an array [N, state_bytes].
py::ssize_t count_of(const Game& game, const Array<uint8_t>& states) {
  require(states.ndim() == 2 && states.shape(1) == game.state_bytes, "states have the wrong shape");
  return states.shape(0);
}

// A batch over the caller's arrays, planes [capacity, C, H, W] and globals [capacity, G].
Batch batch_of(const Game& game, Array<uint8_t>& planes, Array<float>& globals) {
  const auto capacity = planes.shape(0);
  require(planes.size() == capacity * game.plane_bytes(), "planes have the wrong shape");
  require(globals.size() == capacity * game.globals, "globals have the wrong shape");
  return Batch{planes.mutable_data(), globals.mutable_data(), static_cast<int>(capacity)};
}

// The evaluator's answers for `rows` leaves: logits [rows, A], values [rows] and scores [rows], which
// may be None.
void require_answers(const Game& game, int rows, const Array<float>& logits,
                     const Array<float>& values, const std::optional<Array<float>>& scores) {
  require(!scores || (scores->ndim() == 1 && scores->shape(0) == rows), "scores have the wrong shape");
  require(logits.ndim() == 2 && logits.shape(0) == rows && logits.shape(1) == game.actions,
          "logits have the wrong shape");
  require(values.ndim() == 1 && values.shape(0) == rows, "values have the wrong shape");
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

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::dict log_dict(const Game& game, const GameLog& log) {
  py::dict row;
  row["id"] = log.id;
  row["first_seat"] = log.first_seat;
  row["start"] = array_of(log.start);
  row["actions"] = array_of(log.actions);
  row["movers"] = array_of(log.movers);
  row["root_values"] = array_of(log.root_values);
  const py::ssize_t moves = log.policies.empty() ? 0 : static_cast<py::ssize_t>(log.actions.size());
  row["policies"] = array_of(log.policies).reshape({moves, static_cast<py::ssize_t>(game.actions)});
  row["outcome"] = log.outcome;
  row["score"] = log.score;
  row["ownership"] = array_of(log.ownership);
  row["full"] = array_of(log.full);
  row["surprises"] = array_of(log.surprises);
  row["resigner"] = log.resigner;
  row["resigned"] = log.resigned;
  return row;
}

template <typename T>
std::vector<T> vector_of(const Array<T>& values) {
  return {values.data(), values.data() + values.size()};
}

py::list log_list(const Game& game, const std::vector<GameLog>& logs) {
  py::list rows;
  for (const GameLog& log : logs) rows.append(log_dict(game, log));
  return rows;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The search core of move37: games by address, trees, many games at once.";

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
      .def("reset", [](const Game& game, Array<uint8_t> state) { game.reset(state_of(game, state)); })
      .def("play",
           [](const Game& game, Array<uint8_t> state, int action) {
             require(action >= 0 && action < game.actions, "action is out of range");
             game.play(state_of(game, state), action);
           })
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
          py::arg("state"), py::arg("seed"), "Draws the rules of a self-play game, where they vary.")
      .def("setup",
           [](const Game& game, Array<uint8_t> state, int action, int piece) {
             require(game.setup != nullptr, "the game has no setup");
             require(action >= 0 && action < game.area(), "action is out of range");
             game.setup(state_of(game, state), action, piece);
           })
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
          py::arg("state"), py::arg("actions"),
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

  py::enum_<RootPolicy>(m, "RootPolicy")
      .value("puct", RootPolicy::kPuct)
      .value("gumbel", RootPolicy::kGumbel);

  py::class_<SearchSettings>(m, "SearchSettings")
      .def(py::init<>())
      .def_readwrite("visits", &SearchSettings::visits)
      .def_readwrite("root_policy", &SearchSettings::root_policy)
      .def_readwrite("c_puct", &SearchSettings::c_puct)
      .def_readwrite("c_puct_base", &SearchSettings::c_puct_base)
      .def_readwrite("fpu_reduction", &SearchSettings::fpu_reduction)
      .def_readwrite("virtual_loss", &SearchSettings::virtual_loss)
      .def_readwrite("leaves_per_batch", &SearchSettings::leaves_per_batch)
      .def_readwrite("noise_fraction", &SearchSettings::noise_fraction)
      .def_readwrite("noise_total", &SearchSettings::noise_total)
      .def_readwrite("root_policy_temperature", &SearchSettings::root_policy_temperature)
      .def_readwrite("temperature", &SearchSettings::temperature)
      .def_readwrite("temperature_moves", &SearchSettings::temperature_moves)
      .def_readwrite("gumbel_considered", &SearchSettings::gumbel_considered)
      .def_readwrite("gumbel_scale", &SearchSettings::gumbel_scale)
      .def_readwrite("gumbel_c_visit", &SearchSettings::gumbel_c_visit)
      .def_readwrite("gumbel_c_scale", &SearchSettings::gumbel_c_scale)
      .def_readwrite("score_weight", &SearchSettings::score_weight)
      .def_readwrite("forced_playouts", &SearchSettings::forced_playouts)
      .def_readwrite("lcb_stdevs", &SearchSettings::lcb_stdevs)
      .def_readwrite("solve", &SearchSettings::solve)
      .def_readwrite("stop_early", &SearchSettings::stop_early)
      .def_readwrite("memory_mib", &SearchSettings::memory_mib)
      .def_readwrite("playouts", &SearchSettings::playouts)
      .def_readwrite("cache_mib", &SearchSettings::cache_mib)
      .def_readwrite("random_symmetry", &SearchSettings::random_symmetry)
      .def_readwrite("reuse_tree", &SearchSettings::reuse_tree);

  py::class_<MoveStats>(m, "MoveStats")
      .def_readonly("action", &MoveStats::action)
      .def_readonly("visits", &MoveStats::visits)
      .def_readonly("prior", &MoveStats::prior)
      .def_readonly("value", &MoveStats::value)
      .def_readonly("score", &MoveStats::score)
      .def_readonly("error", &MoveStats::error)
      .def_readonly("lcb", &MoveStats::lcb)
      .def_readonly("policy", &MoveStats::policy);

  py::class_<Search>(m, "Search")
      .def(py::init([](const Game& game, const SearchSettings& settings, uint64_t seed) {
             return Search(game, settings, seed, make_cache(game, settings.cache_mib));
           }),
           py::arg("game"), py::arg("settings"), py::arg("seed"), py::keep_alive<1, 2>())
      .def("set_root",
           [](Search& search, Array<uint8_t> state, std::optional<Array<uint8_t>> allowed) {
             require(state.size() == search.game().state_bytes, "state has the wrong size");
             require(!allowed || allowed->size() == search.game().actions, "allowed has the wrong size");
             search.set_root(state.data(), allowed ? allowed->data() : nullptr);
           },
           py::arg("state"), py::arg("allowed") = py::none())
      .def("advance",
           [](Search& search, int action) {
             require(action >= 0 && action < search.game().actions, "action is out of range");
             search.advance(action);
           })
      .def(
          "collect",
          [](Search& search, Array<uint8_t> planes, Array<float> globals) {
            Batch batch = batch_of(search.game(), planes, globals);
            py::gil_scoped_release release;
            return search.collect(batch);
          },
          py::arg("planes").noconvert(), py::arg("globals").noconvert())
      .def("absorb",
           [](Search& search, Array<float> logits, Array<float> values,
              std::optional<Array<float>> scores) {
             require_answers(search.game(), search.rows(), logits, values, scores);
             const float* logits_in = logits.data();
             const float* scores_in = scores ? scores->data() : nullptr;
             const float* values_in = values.data();
             py::gil_scoped_release release;
             search.absorb(logits_in, values_in, scores_in);
           },
           py::arg("logits"), py::arg("values"), py::arg("scores") = py::none())
      .def("cancel", &Search::cancel)
      .def("run_uniform", &Search::run_uniform, py::call_guard<py::gil_scoped_release>())
      .def("choose", &Search::choose, py::arg("moves_played"))
      .def("moves", &Search::moves)
      .def(
          "principal_variation",
          [](const Search& search, int action) { return search.principal_variation(action); },
          py::arg("action"))
      .def(
          "variation_visits",
          [](const Search& search, int action) {
            std::vector<int> visits;
            search.principal_variation(action, &visits);
            return visits;
          },
          py::arg("action"))
      .def_property_readonly("done", &Search::done)
      .def_property_readonly("root_visits", &Search::root_visits)
      .def_property_readonly("solved", &Search::solved)
      .def_property_readonly("root_value", &Search::root_value)
      .def_property_readonly("root_score", &Search::root_score)
      .def_property_readonly("root_evaluation", &Search::root_evaluation)
      .def_property_readonly("cache_hits", &Search::cache_hits)
      .def_property_readonly("nodes", [](const Search& search) { return search.tree().size(); })
      .def_property_readonly("bytes", &Search::bytes);

  py::class_<MatchOptions>(m, "MatchOptions")
      .def(py::init<>())
      .def_readwrite("record_policies", &MatchOptions::record_policies)
      .def_readwrite("full_share", &MatchOptions::full_share)
      .def_readwrite("quick", &MatchOptions::quick)
      .def_readwrite("resign_below", &MatchOptions::resign_below)
      .def_readwrite("resign_moves", &MatchOptions::resign_moves)
      .def_readwrite("play_on_share", &MatchOptions::play_on_share);

  py::class_<Matches>(m, "Matches")
      .def(py::init<const Game&, const std::vector<SearchSettings>&, int, const MatchOptions&,
                    uint64_t>(),
           py::arg("game"), py::arg("seats"), py::arg("parallel_games"), py::arg("options"),
           py::arg("seed"), py::keep_alive<1, 2>())
      .def("add",
           [](Matches& matches, int64_t id, Array<uint8_t> start, int first_seat) {
             require(start.size() == matches.game().state_bytes, "start has the wrong size");
             require(first_seat == 0 || first_seat == 1, "first_seat is 0 or 1");
             GameLog log;
             log.id = id;
             log.first_seat = first_seat;
             log.start = vector_of(start);
             matches.add(std::move(log));
           })
      .def("add_unfinished",
           [](Matches& matches, int64_t id, int first_seat, Array<uint8_t> start,
              Array<int16_t> actions, Array<float> root_values, Array<uint8_t> full,
              Array<float> policies, Array<float> surprises, int resigner) {
             const Game& game = matches.game();
             const auto moves = actions.size();
             require(start.size() == game.state_bytes, "start has the wrong size");
             require(first_seat == 0 || first_seat == 1, "first_seat is 0 or 1");
             require(root_values.size() == moves && full.size() == moves, "arrays differ in length");
             require(policies.size() == 0 || policies.size() == moves * game.actions, "policies");
             require(surprises.size() == 0 || surprises.size() == moves, "surprises");
             GameLog log;
             log.id = id;
             log.first_seat = first_seat;
             log.start = vector_of(start);
             log.actions = vector_of(actions);
             log.root_values = vector_of(root_values);
             log.full = vector_of(full);
             log.policies = vector_of(policies);
             log.surprises = vector_of(surprises);
             log.resigner = resigner;
             std::vector<uint8_t> state = log.start;
             require(replay(game, state.data(), log.actions.data(), static_cast<int>(moves)) == moves,
                     "an action is not legal");
             matches.add(std::move(log));
           })
      .def(
          "fill",
          [](Matches& matches, int evaluator, Array<uint8_t> planes, Array<float> globals) {
            require(evaluator >= 0 && evaluator < matches.seats(), "there is no such seat");
            Batch batch = batch_of(matches.game(), planes, globals);
            py::gil_scoped_release release;
            return matches.fill(evaluator, batch);
          },
          py::arg("evaluator"), py::arg("planes").noconvert(), py::arg("globals").noconvert())
      .def("absorb",
           [](Matches& matches, int evaluator, Array<float> logits, Array<float> values,
              std::optional<Array<float>> scores) {
             require(evaluator >= 0 && evaluator < matches.seats(), "there is no such seat");
             require_answers(matches.game(), matches.waiting_rows(evaluator), logits, values,
                             scores);
             const float* logits_in = logits.data();
             const float* scores_in = scores ? scores->data() : nullptr;
             const float* values_in = values.data();
             py::gil_scoped_release release;
             matches.absorb(evaluator, logits_in, values_in, scores_in);
           },
           py::arg("evaluator"), py::arg("logits"), py::arg("values"), py::arg("scores") = py::none())
      .def("take_finished",
           [](Matches& matches) { return log_list(matches.game(), matches.take_finished()); })
      .def("take_unfinished",
           [](Matches& matches) { return log_list(matches.game(), matches.take_unfinished()); })
      .def("clear_caches", &Matches::clear_caches)
      .def_property_readonly("cache_hits", &Matches::cache_hits)
      .def_property_readonly("active_games", &Matches::active_games)
      .def_property_readonly("queued_games", &Matches::queued_games)
      .def_property_readonly("moves_played", &Matches::moves_played)
      .def_property_readonly("evaluations", &Matches::evaluations)
      .def_property_readonly("capacity", &Matches::capacity)
      .def_property_readonly("bytes", &Matches::bytes);

  m.def("considered_visits_schedule", &considered_visits_schedule, py::arg("considered"),
        py::arg("simulations"));
}
