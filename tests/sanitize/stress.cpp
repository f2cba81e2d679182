// The core under random orders of everything its callers may do, for the sanitizers to watch.
//
//   stress THREADS ROUNDS [SEED]
//
// Each thread owns its searches and matches; the games are shared. After every step the whole tree
// is checked: nothing may be counted twice, lost, or left in flight. Built and run by `make sanitize`.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "matches.h"
#include "mnk.h"
#include "samples.h"
#include "search.h"

using namespace move37;

namespace {

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                    \
    }                                                                                  \
  } while (false)

bool near(double a, double b) { return std::abs(a - b) <= 1e-4 * (1 + std::abs(a) + std::abs(b)); }

double mover_view(int to_move, double value) { return to_move == 0 ? value : -value; }

// --- The evaluator: numbers that look random and depend on nothing but the position -------------

enum class Mood { kSound, kNanValue, kInfiniteLogit };

struct Answers {
  std::vector<float> logits, values, scores;
};

Answers evaluate(const Game& game, const Batch& batch, Mood mood) {
  Answers answers;
  for (int row = 0; row < batch.size; ++row) {
    uint64_t seed = 0;
    for (int i = 0; i < game.plane_bytes(); ++i)
      seed = seed * 1099511628211ull + batch.planes[row * game.plane_bytes() + i] + 1;
    Rng rng(seed);
    for (int i = 0; i < game.actions; ++i) answers.logits.push_back(static_cast<float>(2 * rng.normal()));
    answers.values.push_back(static_cast<float>(2.2 * rng.uniform() - 1.1));
    answers.scores.push_back(static_cast<float>(10 * rng.normal()));
  }
  if (mood == Mood::kNanValue) answers.values.back() = std::nanf("");
  if (mood == Mood::kInfiniteLogit) answers.logits[0] = std::numeric_limits<float>::infinity();
  return answers;
}

struct Inputs {
  Inputs(const Game& game, int capacity)
      : planes(static_cast<size_t>(capacity) * game.plane_bytes()),
        globals(static_cast<size_t>(capacity) * game.globals),
        batch{planes.data(), globals.data(), capacity} {}
  std::vector<uint8_t> planes;
  std::vector<float> globals;
  Batch batch;
};

// --- The truth ----------------------------------------------------------------------------------

using Mask = std::vector<uint8_t>;  // [actions], 1 = allowed; empty allows all

// The first player's outcome under perfect play, for games that are small enough.
class Perfect {
 public:
  explicit Perfect(const Game& game) : game_(game) {}

  // Its first move must be an allowed one.
  int of(std::vector<uint8_t> state, const Mask& allowed = {}) {
    if (game_.over(state.data())) return static_cast<int>(game_.outcome(state.data()));
    const auto found = known_.find(state);
    if (allowed.empty() && found != known_.end()) return found->second;
    std::vector<uint8_t> mask(game_.actions);
    game_.legal(state.data(), mask.data());
    const bool first = game_.to_move(state.data()) == 0;
    int best = first ? -1 : 1;
    for (int action = 0; action < game_.actions; ++action) {
      if (!mask[action] || !(allowed.empty() || allowed[action])) continue;
      std::vector<uint8_t> child = state;
      game_.play(child.data(), action);
      best = first ? std::max(best, of(child)) : std::min(best, of(child));
    }
    if (allowed.empty()) known_[state] = best;
    return best;
  }

 private:
  const Game& game_;
  std::map<std::vector<uint8_t>, int> known_;
};

// --- What must hold of every tree ---------------------------------------------------------------

class TreeCheck {
 public:
  // `perfect` may be null: then the proven bounds are not compared with the truth.
  TreeCheck(const Search& search, const SearchSettings& settings, Perfect* perfect, const Mask& allowed)
      : search_(search), tree_(search.tree()), settings_(settings), perfect_(perfect) {
    const std::vector<uint8_t> state(search.root_state(),
                                     search.root_state() + search.game().state_bytes);
    visit(Tree::kRoot, state, allowed);
    CHECK(pending_ == search.leaf_count());
    CHECK(reached_ == tree_.size());
    int end = 0;
    for (const auto& [first, capacity] : blocks_) {
      CHECK(first >= end);
      end = first + capacity;
    }
  }

 private:
  void visit(int index, const std::vector<uint8_t>& state, const Mask& allowed) {
    ++reached_;
    const Node& node = tree_.node(index);
    pending_ += node.status == Status::kPending;
    CHECK(node.visits >= 0 && node.in_flight >= 0);
    CHECK(node.edge_count <= node.edge_capacity && node.edge_count <= node.move_count);
    CHECK(-1 <= node.lower && node.lower <= node.upper && node.upper <= 1);
    if (search_.leaf_count() == 0) CHECK(node.in_flight == 0 && node.status != Status::kPending);
    if (node.status != Status::kExpanded) CHECK(node.edge_count == 0);
    if (node.status == Status::kNew || node.status == Status::kPending) CHECK(node.visits == 0);
    if (node.status == Status::kExpanded) CHECK(node.visits > 0 && node.move_count > 0);
    if (node.edge_capacity > 0) CHECK(blocks_.emplace(node.first_edge, node.edge_capacity).second);
    if (perfect_ != nullptr && settings_.solve) {
      const int truth = perfect_->of(state, allowed);
      CHECK(node.lower <= truth && truth <= node.upper);
    }
    edges_of(node, state, allowed);
  }

  void edges_of(const Node& node, const std::vector<uint8_t>& state, const Mask& allowed) {
    const Game& game = search_.game();
    std::vector<uint8_t> mask(game.actions);
    std::set<int> actions;
    if (node.move_count > 0) game.legal(std::vector<uint8_t>(state).data(), mask.data());
    for (int i = 0; i < node.move_count; ++i) {
      CHECK(mask[tree_.actions(node)[i]]);
      CHECK(allowed.empty() || allowed[tree_.actions(node)[i]]);
      CHECK(actions.insert(tree_.actions(node)[i]).second);
      if (node.prepared && i > node.edge_count)
        CHECK(tree_.priors(node)[i] <= tree_.priors(node)[i - 1]);
    }
    int visits = 0, in_flight = 0, fresh = 0;
    double utility = 0, tried = 0;
    for (int i = 0; i < node.edge_count; ++i) {
      const Edge& edge = tree_.edge(node, i);
      const Node& child = tree_.node(edge.node);
      CHECK(edge.visits == child.visits);
      CHECK(edge.in_flight == child.in_flight + (child.status == Status::kPending));
      if (!settings_.solve) CHECK(near(mover_view(node.to_move, edge.utility_sum), child.utility_sum));
      const int n = edge.visits + edge.in_flight;
      CHECK(tree_.n(node)[i] == static_cast<float>(n));
      if (settings_.solve && child.solved())
        CHECK(tree_.q(node)[i] == -std::numeric_limits<float>::infinity());
      else
        CHECK(near(tree_.q(node)[i], edge.visits == 0 ? 0 : edge.utility_sum / edge.visits));
      visits += edge.visits;
      in_flight += edge.in_flight;
      utility += mover_view(node.to_move, edge.utility_sum);
      fresh += edge.visits == 0;
      tried += n > 0 ? tree_.priors(node)[i] : 0;
      std::vector<uint8_t> next = state;
      game.play(next.data(), tree_.actions(node)[i]);
      visit(edge.node, next, {});
    }
    CHECK(in_flight == node.in_flight);
    CHECK(fresh == node.fresh_edges);
    CHECK(near(tried, node.tried_prior));
    if (node.status != Status::kExpanded) return;
    // A visit that finds a position solved ends there.
    if (settings_.solve && node.solved()) {
      CHECK(visits + 1 <= node.visits);
      return;
    }
    CHECK(visits + 1 == node.visits);
    // Unless a proof cuts what the moves are worth to what the position is.
    if (settings_.score_weight == 0 && node.lower == -1 && node.upper == 1)
      CHECK(near(utility + node.value, node.utility_sum));
  }

  const Search& search_;
  const Tree& tree_;
  const SearchSettings& settings_;
  Perfect* perfect_;
  int reached_ = 0, pending_ = 0;
  std::map<int, int> blocks_;
};

// --- Random callers -----------------------------------------------------------------------------

template <typename T>
T one_of(Rng& rng, std::initializer_list<T> choices) {
  return choices.begin()[rng.below(static_cast<int>(choices.size()))];
}

SearchSettings random_settings(Rng& rng) {
  SearchSettings settings;
  settings.visits = one_of(rng, {1, 2, 17, 120});
  settings.root_policy = one_of(rng, {RootPolicy::kPuct, RootPolicy::kGumbel});
  settings.c_puct = one_of(rng, {0.3f, 1.25f, 4.0f});
  settings.virtual_loss = one_of(rng, {0.0f, 1.0f, 3.0f});
  settings.leaves_per_batch = one_of(rng, {1, 3, 32});
  settings.noise_fraction = one_of(rng, {0.0f, 0.25f, 1.0f});
  settings.root_policy_temperature = one_of(rng, {1.0f, 0.1f, 1.3f});
  settings.temperature = one_of(rng, {0.0f, 1.0f});
  settings.temperature_moves = one_of(rng, {0, 3});
  settings.gumbel_considered = one_of(rng, {1, 3, 16});
  settings.completed_q = rng.below(3) == 0;
  settings.playouts = one_of(rng, {0, 0, 0, 1, 3});
  settings.score_weight = one_of(rng, {0.0f, 0.3f});
  settings.forced_playouts = one_of(rng, {0.0f, 2.0f});
  settings.lcb_stdevs = one_of(rng, {0.0f, 2.0f});
  settings.solve = rng.below(2) == 0;
  settings.stop_early = rng.below(3) == 0;
  settings.memory_mib = one_of(rng, {0, 1, 4096});
  settings.cache_mib = rng.below(2);
  settings.random_symmetry = rng.below(2) == 0;
  settings.reuse_tree = rng.below(4) > 0;
  return settings;
}

std::vector<uint8_t> random_position(const Game& game, Rng& rng) {
  std::vector<uint8_t> state(game.state_bytes), mask(game.actions);
  game.reset(state.data());
  for (int moves = rng.below(game.actions); moves > 0 && !game.over(state.data()); --moves) {
    game.legal(state.data(), mask.data());
    int action = rng.below(game.actions);
    while (!mask[action]) action = (action + 1) % game.actions;
    game.play(state.data(), action);
  }
  return state;
}

int random_move(const Game& game, const uint8_t* at, Rng& rng) {
  std::vector<uint8_t> state(at, at + game.state_bytes), mask(game.actions);
  game.legal(state.data(), mask.data());
  int action = rng.below(game.actions);
  while (!mask[action]) action = (action + 1) % game.actions;
  return action;
}

// Nothing, or a mask that allows some moves, a legal one among them.
Mask random_mask(const Game& game, const uint8_t* state, Rng& rng) {
  if (game.over(state) || rng.below(3) > 0) return {};
  Mask allowed(game.actions);
  for (uint8_t& each : allowed) each = rng.below(4) == 0;
  allowed[random_move(game, state, rng)] = 1;
  return allowed;
}

// What a finished or stopped search says.
void read_results(Search& search, const SearchSettings& settings, Rng& rng) {
  CHECK(std::abs(search.root_value()) <= 1.0001);
  CHECK(std::isfinite(search.root_score()));
  const std::vector<MoveStats> moves = search.moves();
  if (moves.empty()) return;
  int visits = 0;
  double policy = 0, prior = 0;
  for (const MoveStats& move : moves) {
    visits += move.visits;
    policy += move.policy;
    prior += move.prior;
    CHECK(std::abs(move.value) <= 1.0001 && std::isfinite(move.score));
    if (move.visits > 0) CHECK(search.principal_variation(move.action)[0] == move.action);
  }
  CHECK(near(policy, 1));
  CHECK(near(prior, 1));
  if (!(settings.solve && search.solved())) CHECK(visits + 1 == search.root_visits());
  const int chosen = search.choose(rng.below(5));
  const auto found = std::find_if(moves.begin(), moves.end(),
                                  [&](const MoveStats& move) { return move.action == chosen; });
  CHECK(found != moves.end() && !found->ruled_out);
}

// One search, driven by one caller who changes its mind all the time.
void stress_search(const Game& game, Perfect* perfect, Rng& rng, int steps) {
  const SearchSettings settings = random_settings(rng);
  Search search(game, settings, rng.next(), make_cache(game, settings.cache_mib));
  Mask allowed;
  for (int step = 0; step < steps; ++step) {
    const bool over = game.over(search.root_state());
    const int choice = rng.below(12);
    if (choice == 0 || over) {
      const std::vector<uint8_t> start = random_position(game, rng);
      allowed = random_mask(game, start.data(), rng);
      search.set_root(start.data(), allowed.empty() ? nullptr : allowed.data());
      CHECK(search.root_visits() == 0);
    } else if (choice == 1) {
      search.advance(random_move(game, search.root_state(), rng));
      allowed.clear();
    } else if (choice == 2) {
      search.cancel();
    } else {
      const int capacity = one_of(rng, {1, 2, 40});
      Inputs inputs(game, capacity);
      const int before = search.root_visits();
      const int rows = search.collect(inputs.batch);
      CHECK(rows == inputs.batch.size && rows == search.rows() && rows <= search.leaf_count());
      CHECK(rows > 0 || search.leaf_count() == 0);
      TreeCheck(search, settings, perfect, allowed);
      if (rows > 0 && choice > 4) {  // else the answers never come
        const Mood mood = choice == 5 ? Mood::kNanValue : choice == 6 ? Mood::kInfiniteLogit : Mood::kSound;
        const Answers answers = evaluate(game, inputs.batch, mood);
        const int collected = search.root_visits(), leaves = search.leaf_count();
        const float* scores = rng.below(2) == 0 ? answers.scores.data() : nullptr;
        try {
          search.absorb(answers.logits.data(), answers.values.data(), scores);
          CHECK(mood == Mood::kSound);
          CHECK(search.root_visits() == collected + leaves);
        } catch (const std::runtime_error&) {
          CHECK(mood != Mood::kSound);
          CHECK(search.root_visits() == collected);
        }
      }
      CHECK(search.root_visits() >= before);
    }
    TreeCheck(search, settings, perfect, allowed);
    if (search.leaf_count() == 0) read_results(search, settings, rng);
  }
}

// A search that nobody disturbs gets exactly the visits asked for, on its first root and the next.
void undisturbed_search(const Game& game, Perfect* perfect, Rng& rng) {
  SearchSettings settings = random_settings(rng);
  settings.stop_early = false;
  settings.memory_mib = 64;
  Search search(game, settings, rng.next(), make_cache(game, settings.cache_mib));
  const std::vector<uint8_t> start = random_position(game, rng);
  Mask allowed = random_mask(game, start.data(), rng);
  search.set_root(start.data(), allowed.empty() ? nullptr : allowed.data());
  while (!game.over(search.root_state())) {
    while (!search.done()) {
      Inputs inputs(game, settings.leaves_per_batch);
      if (search.collect(inputs.batch) == 0) continue;
      const Answers answers = evaluate(game, inputs.batch, Mood::kSound);
      search.absorb(answers.logits.data(), answers.values.data(), answers.scores.data());
    }
    TreeCheck(search, settings, perfect, allowed);
    const bool solved = settings.solve && search.solved();
    CHECK(solved || search.root_visits() >= settings.visits);
    if (!settings.reuse_tree) CHECK(search.root_visits() <= settings.visits);
    search.advance(search.choose(0));
    allowed.clear();
  }
}

MatchOptions random_options(Rng& rng) {
  MatchOptions options;
  options.record_policies = rng.below(2) == 0;
  options.full_share = one_of(rng, {1.0f, 0.3f});
  options.quick.visits = 5;
  options.resign_below = one_of(rng, {-1.0f, -0.2f});
  options.resign_moves = 2;
  options.play_on_share = 0.5f;
  return options;
}

// Games by the dozen with batches that are too small, and an evaluator that fails now and then.
// Once in a while the games in flight are taken out and played on from their logs.
void stress_matches(const Game& game, Rng& rng) {
  const int seats = 1 + rng.below(2), games = 1 + rng.below(12);
  std::vector<SearchSettings> settings;
  for (int seat = 0; seat < seats; ++seat) settings.push_back(random_settings(rng));
  Matches matches(game, settings, 1 + rng.below(6), random_options(rng), rng.next());
  for (int id = 0; id < games; ++id) {
    GameLog log;
    log.id = id;
    log.first_seat = rng.below(2);
    log.start = random_position(game, rng);
    matches.add(std::move(log));
  }
  std::vector<GameLog> logs;
  int64_t answered = 0;
  while (matches.active_games() > 0) {
    for (int seat = 0; seat < seats; ++seat) {
      Inputs inputs(game, 1 + rng.below(matches.capacity()));
      matches.fill(seat, inputs.batch);
      CHECK(matches.waiting_rows(seat) == inputs.batch.size);
      const int fate = rng.below(8);
      if (fate == 0 || inputs.batch.size == 0) continue;  // the evaluator threw
      const Answers answers =
          evaluate(game, inputs.batch, fate == 1 ? Mood::kNanValue : Mood::kSound);
      try {
        matches.absorb(seat, answers.logits.data(), answers.values.data(), answers.scores.data());
        answered += inputs.batch.size;
        CHECK(fate != 1 && matches.evaluations() >= answered);
      } catch (const std::runtime_error&) {
        CHECK(fate == 1);
      }
    }
    if (rng.below(50) == 0)
      for (GameLog& log : matches.take_unfinished()) matches.add(std::move(log));
    for (GameLog& log : matches.take_finished()) logs.push_back(std::move(log));
  }
  CHECK(static_cast<int>(logs.size()) == games);
  for (const GameLog& log : logs) {
    std::vector<uint8_t> state = log.start;
    const int moves = static_cast<int>(log.actions.size());
    CHECK(replay(game, state.data(), log.actions.data(), moves) == moves);
    CHECK(log.resigned || game.over(state.data()));
    CHECK(log.resigned || log.outcome == game.outcome(state.data()));
    CHECK(log.root_values.size() == log.actions.size());
  }
}

void stress(const Game& small, const Game& large, uint64_t seed, int rounds) {
  Rng rng(seed);
  Perfect perfect(small);
  for (int round = 0; round < rounds; ++round) {
    stress_search(small, &perfect, rng, 60);
    stress_search(large, nullptr, rng, 30);
    undisturbed_search(small, &perfect, rng);
    undisturbed_search(large, nullptr, rng);
    stress_matches(small, rng);
    stress_matches(large, rng);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: stress THREADS ROUNDS [SEED]\n");
    return 2;
  }
  const int threads = std::atoi(argv[1]), rounds = std::atoi(argv[2]);
  const uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  const Game small = Mnk<3, 3, 3>::game(), large = Mnk<6, 4, 4>::game();
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i)
    workers.emplace_back([&, i] { stress(small, large, seed * 1000 + i, rounds); });
  for (std::thread& worker : workers) worker.join();
  std::printf("%d threads, %d rounds each: sound\n", threads, rounds);
}
