// `Matches` in Python, and the logs of its games. Long calls release the GIL.
#include <utility>

#include "bindings.h"
#include "matches.h"
#include "samples.h"

namespace move37 {
namespace {

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

py::list log_list(const Game& game, const std::vector<GameLog>& logs) {
  py::list rows;
  for (const GameLog& log : logs) rows.append(log_dict(game, log));
  return rows;
}

template <typename T>
std::vector<T> vector_of(const Array<T>& values) {
  return {values.data(), values.data() + values.size()};
}

}  // namespace

void bind_matches(py::module_& m) {
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
             const bool recorded = matches.records_policies();
             require(policies.size() == (recorded ? moves * game.actions : 0) &&
                         surprises.size() == (recorded ? moves : 0),
                     "its policies were recorded and are not here, or the other way round");
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
}

}  // namespace move37
