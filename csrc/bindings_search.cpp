// `Search` in Python, with its settings and what it says of moves. Long calls release the GIL.
#include "bindings.h"

namespace move37 {

void bind_search(py::module_& m) {
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
      .def_readwrite("completed_q", &SearchSettings::completed_q)
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
      .def_readonly("policy", &MoveStats::policy)
      .def_readonly("ruled_out", &MoveStats::ruled_out);

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

  m.def("considered_visits_schedule", &considered_visits_schedule, py::arg("considered"),
        py::arg("simulations"));
}

}  // namespace move37
