// What is done and said at the root of a search: noise, Gumbel's rule, the improved policy, the move.
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "search.h"

namespace move37 {

namespace {

// A move needs this share of the most visited one's visits to be chosen by its lower confidence
// bound.
constexpr double kMinVisitShareForLcb = 0.15;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

// Once a search, when the root has its priors: noise, and Gumbel's draw and schedule.
void Search::prepare_root() {
  if (tree_.node(Tree::kRoot).status != Status::kExpanded) return;
  Node& root = tree_.node(Tree::kRoot);
  root_prepared_ = true;
  float* prior = tree_.priors(root);
  const int16_t* action = tree_.actions(root);
  float sum = 0, largest = 0;
  const float exponent = 1 / settings_.root_policy_temperature;
  for (int i = 0; i < root.move_count; ++i) largest = std::max(largest, prior[i]);
  for (int i = 0; i < root.move_count; ++i) {
    root_prior_[action[i]] = prior[i];
    if (exponent != 1) prior[i] = std::pow(prior[i] / largest, exponent);  // never all underflow
    sum += prior[i];
  }
  for (int i = 0; i < root.move_count; ++i) prior[i] /= sum;
  if (settings_.root_policy == RootPolicy::kGumbel) {
    for (int i = 0; i < root.move_count; ++i)
      root_gumbel_[action[i]] = settings_.gumbel_scale * static_cast<float>(rng_.gumbel());
    considered_visits_ = considered_visits_schedule(
        std::min<int>(settings_.gumbel_considered, root.move_count), std::max(1, settings_.visits - 1));
  } else if (settings_.noise_fraction > 0) {
    apply_noise();
    tree_.sort_moves(root);
  }
  recount_tried(root);
}

// Root noise: Silver et al. 2017, Methods "Self-play"; the total of alpha is spread over the
// legal moves, so that the noise is as concentrated on every board size.
void Search::apply_noise() {
  const Node& root = tree_.node(Tree::kRoot);
  const auto noise = rng_.dirichlet(root.move_count, settings_.noise_total / root.move_count);
  float* prior = tree_.priors(root);
  for (int i = 0; i < root.move_count; ++i)
    prior[i] = (1 - settings_.noise_fraction) * prior[i] +
               settings_.noise_fraction * static_cast<float>(noise[i]);
}

std::vector<int> considered_visits_schedule(int considered, int simulations) {
  std::vector<int> schedule;
  if (considered <= 1) {
    for (int i = 0; i < simulations; ++i) schedule.push_back(i);
    return schedule;
  }
  int rounds = 0;
  while ((1 << rounds) < considered) ++rounds;
  std::vector<int> visits(considered, 0);
  int left = considered;
  while (static_cast<int>(schedule.size()) < simulations) {
    const int repeats = std::max(1, simulations / (rounds * left));
    for (int repeat = 0; repeat < repeats; ++repeat)
      for (int i = 0; i < left; ++i) schedule.push_back(visits[i]++);
    left = std::max(2, left / 2);
  }
  schedule.resize(simulations);
  return schedule;
}

// Sequential halving: Danihelka et al. 2022, Algorithm 2. Among the moves that have exactly the
// visits the schedule asks for, the one with the largest g + logit + sigma(q).
int Search::select_gumbel(int index) {
  const Node& root = tree_.node(index);
  int max_visits = 0;
  for (int i = 0; i < root.edge_count; ++i)
    max_visits = std::max(max_visits, tree_.edge(root, i).visits);
  const size_t visits = root.visits - 1 + root.in_flight;
  const int wanted = considered_visits_[std::min(visits, considered_visits_.size() - 1)];
  const std::vector<double> q = completed_q(root);
  int best = -1;
  double best_score = 0;
  for (int i = 0; i < root.move_count; ++i) {
    const int n = i < root.edge_count ? static_cast<int>(tree_.n(root)[i]) : 0;
    if (n != wanted || (settings_.solve && i < root.edge_count && proven_loss(root, i))) continue;
    const double score = gumbel_score(root, i, q[i], max_visits);
    if (best < 0 || score > best_score) best_score = score, best = i;
  }
  return best >= 0 ? best : select_puct(index);
}

double Search::gumbel_score(const Node& root, int i, double q, int max_visits) const {
  const double logit = std::log(std::max(tree_.priors(root)[i], 1e-30f));
  const double sigma = (settings_.gumbel_c_visit + max_visits) * settings_.gumbel_c_scale * q;
  return root_gumbel_[tree_.actions(root)[i]] + logit + sigma;
}

// The prior of a move of the root as the evaluator gave it.
float Search::root_prior(const Node& root, int i) const {
  return root_prepared_ ? root_prior_[tree_.actions(root)[i]] : tree_.priors(root)[i];
}

// The mean utility of a visited move in the mover's view, with its value as it is proven.
double Search::edge_value(const Node& node, int i) const {
  return edge_mean(node, i, &Edge::utility_sum);
}

double Search::edge_mean(const Node& node, int i, double Edge::*sum) const {
  const Edge& edge = tree_.edge(node, i);
  const Node& child = tree_.node(edge.node);
  if (settings_.solve && child.solved())  // what else is in the sum is for the margin
    return mover_view(node.to_move, child.lower) + (edge.*sum - edge.value_sum) / edge.visits;
  return edge.*sum / edge.visits;
}

// The utility of every move of the root, in the mover's view.
std::vector<double> Search::completed_q(const Node& root) const {
  return completed(root, &Edge::utility_sum, utility(root.value, root.score));
}

// The same without the part for the margin.
std::vector<double> Search::completed_values(const Node& root) const {
  return completed(root, &Edge::value_sum, root.value);
}

// The means of the visited moves; unvisited moves get the mixed value of Danihelka et al. 2022,
// Appendix D, equation 33.
std::vector<double> Search::completed(const Node& root, double Edge::*sum, float evaluation) const {
  std::vector<double> q(root.move_count);
  int visits = 0;
  double visited_prior = 0, weighted = 0;
  for (int i = 0; i < root.edge_count; ++i) {
    const Edge& edge = tree_.edge(root, i);
    if (edge.visits == 0) continue;
    visits += edge.visits;
    q[i] = edge_mean(root, i, sum);
    const double prior = std::max(root_prior(root, i), 1e-30f);
    visited_prior += prior;
    weighted += prior * q[i];
  }
  const double own = mover_view(root.to_move, evaluation);
  const double mixed = visits == 0 ? own : (own + visits * weighted / visited_prior) / (1 + visits);
  for (int i = 0; i < root.move_count; ++i)
    if (i >= root.edge_count || tree_.edge(root, i).visits == 0) q[i] = mixed;
  return q;
}

float Search::root_value() const {
  const Node& root = tree_.node(Tree::kRoot);
  if (settings_.solve && root.solved()) return root.lower;
  if (root.status != Status::kExpanded) return root.value;
  double value = 0;
  if (settings_.root_policy == RootPolicy::kGumbel) {
    const std::vector<double> weight = policy_weights(root, completed_q(root), ruled_out(root));
    const std::vector<double> q = completed_values(root);
    for (int i = 0; i < root.move_count; ++i) value += weight[i] * q[i];
  } else {
    value = mover_view(root.to_move, root.value);
    int visits = 1;
    for (int i = 0; i < root.edge_count; ++i) {
      value += tree_.edge(root, i).value_sum;
      visits += tree_.edge(root, i).visits;
    }
    value /= visits;
  }
  value = mover_view(root.to_move, static_cast<float>(value));
  if (settings_.solve) value = std::clamp<double>(value, root.lower, root.upper);
  return static_cast<float>(value);
}

float Search::root_score() const {
  const Node& root = tree_.node(Tree::kRoot);
  double score = mover_view(root.to_move, root.score);
  int visits = 1;
  for (int i = 0; i < root.edge_count; ++i) {
    score += tree_.edge(root, i).score_sum;
    visits += tree_.edge(root, i).visits;
  }
  return mover_view(root.to_move, static_cast<float>(score / visits));
}

// The improved policy over the root's moves. Gumbel, or PUCT with completed_q:
// softmax(logits + sigma(completed q)), Danihelka et al. 2022, section 4. Else shares of the visits
// (pruned, when some were forced), or the priors before any. Moves that are `out` have none.
std::vector<double> Search::policy_weights(const Node& root, const std::vector<double>& q,
                                           const std::vector<bool>& out) const {
  const int count = root.move_count;
  std::vector<double> weight(count);
  int visits = 0, max_visits = 0;
  for (int i = 0; i < root.edge_count; ++i) {
    visits += tree_.edge(root, i).visits;
    max_visits = std::max(max_visits, tree_.edge(root, i).visits);
  }
  if (settings_.root_policy == RootPolicy::kGumbel || settings_.completed_q) {
    double largest = -kInfinity;
    for (int i = 0; i < count; ++i) {
      weight[i] = std::log(std::max(root_prior(root, i), 1e-30f)) +
                  (settings_.gumbel_c_visit + max_visits) * settings_.gumbel_c_scale * q[i];
      largest = std::max(largest, weight[i]);
    }
    for (double& w : weight) w = std::exp(w - largest);
  } else if (visits == 0) {
    for (int i = 0; i < count; ++i) weight[i] = root_prior(root, i);
  } else if (settings_.forced_playouts > 0) {
    weight = pruned_visits(root);
  } else {
    for (int i = 0; i < root.edge_count; ++i) weight[i] = tree_.edge(root, i).visits;
  }
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += weight[i] = out[i] ? 0 : weight[i];
  if (sum == 0)  // all visits were of moves that are ruled out
    for (int i = 0; i < count; ++i) sum += weight[i] = out[i] ? 0 : std::max(root_prior(root, i), 1e-30f);
  for (double& w : weight) w /= sum;
  return weight;
}

// The visits as they would be without forcing: Wu 2019, section 3.2, "policy target pruning". Of
// every move but the most visited, as many forced visits are taken off as leave its PUCT score
// below that of the most visited; a move left with a single visit loses it too.
std::vector<double> Search::pruned_visits(const Node& root) const {
  std::vector<double> visits(root.move_count);
  int best = 0;
  for (int i = 0; i < root.edge_count; ++i) {
    visits[i] = tree_.edge(root, i).visits;
    if (visits[i] > visits[best]) best = i;
  }
  const float factor = exploration(root);
  const float* prior = tree_.priors(root);
  const double top = edge_value(root, best) + factor * prior[best] / (1 + visits[best]);
  for (int i = 0; i < root.edge_count; ++i) {
    if (i == best || visits[i] == 0) continue;
    const double forced = std::sqrt(settings_.forced_playouts * prior[i] * (root.visits - 1));
    const double gap = top - edge_value(root, i);
    const double enough = gap > 0 ? std::max(0.0, factor * prior[i] / gap - 1) : visits[i];
    visits[i] = std::max(visits[i] - forced, std::min(visits[i], std::ceil(enough)));
    if (visits[i] <= 1) visits[i] = 0;
  }
  return visits;
}

std::vector<MoveStats> Search::moves() const {
  const Node& root = tree_.node(Tree::kRoot);
  std::vector<MoveStats> stats;
  if (root.status != Status::kExpanded) return stats;
  const std::vector<bool> out = ruled_out(root);
  const std::vector<double> weight = policy_weights(root, completed_q(root), out);
  const std::vector<double> values = completed_values(root);
  for (int i = 0; i < root.move_count; ++i) {
    const int action = tree_.actions(root)[i];
    MoveStats move{};
    move.action = action;
    move.prior = root_prior(root, i);
    move.value = static_cast<float>(values[i]);
    move.score = mover_view(root.to_move, root.score);
    move.policy = static_cast<float>(weight[i]);
    move.ruled_out = out[i];
    move.lcb = -std::numeric_limits<float>::infinity();
    if (i < root.edge_count && tree_.edge(root, i).visits > 0) {
      const Edge& edge = tree_.edge(root, i);
      const double n = edge.visits, mean = edge_value(root, i);
      move.visits = edge.visits;
      move.score = static_cast<float>(edge.score_sum / n);
      if (settings_.solve && tree_.node(edge.node).solved()) {
        move.lcb = static_cast<float>(mean);
      } else if (n >= 2) {
        const double variance = std::max(0.0, edge.square_sum / n - mean * mean) * n / (n - 1);
        move.error = static_cast<float>(std::sqrt(variance / n));
        move.lcb = static_cast<float>(mean - settings_.lcb_stdevs * move.error);
      }
    }
    stats.push_back(move);
  }
  std::stable_sort(stats.begin(), stats.end(), [](const MoveStats& a, const MoveStats& b) {
    if (a.ruled_out != b.ruled_out) return b.ruled_out;
    return a.visits != b.visits ? a.visits > b.visits : a.policy > b.policy;
  });
  if (settings_.root_policy == RootPolicy::kPuct && settings_.lcb_stdevs > 0) put_surest_first(stats);
  return stats;
}

// Of the moves that have been visited enough to judge, the one with the largest bound comes first.
void Search::put_surest_first(std::vector<MoveStats>& stats) const {
  const double enough = kMinVisitShareForLcb * stats.front().visits;
  if (enough == 0) return;
  auto best = stats.begin();
  for (auto move = best; move != stats.end() && !move->ruled_out && move->visits >= enough; ++move)
    if (move->lcb > best->lcb) best = move;
  std::rotate(stats.begin(), best, best + 1);
}

int Search::choose(int moves_played) {
  std::vector<MoveStats> stats = moves();
  if (stats.empty()) throw std::runtime_error("choose: the search has not begun");
  while (stats.back().ruled_out) stats.pop_back();  // never all
  if (settings_.temperature > 0 && moves_played < settings_.temperature_moves) return sample(stats);
  const Node& root = tree_.node(Tree::kRoot);
  const MoveStats& first = stats.front();
  if (first.visits == 0 || settings_.root_policy != RootPolicy::kGumbel) return first.action;
  int best = first.action;
  double best_score = -kInfinity;
  for (const MoveStats& move : stats) {
    if (move.visits < first.visits) break;
    const int i = tree_.find_move(root, move.action);
    const double score = gumbel_score(root, i, edge_value(root, i), first.visits);
    if (score > best_score) best_score = score, best = move.action;
  }
  return best;
}

// A move drawn by its visits, or before any by its policy, to the power of 1 / temperature.
int Search::sample(const std::vector<MoveStats>& stats) {
  const bool searched = stats.front().visits > 0;
  const auto chance = [searched](const MoveStats& move) {
    return searched ? static_cast<float>(move.visits) : move.policy;
  };
  float top = 0;
  for (const MoveStats& move : stats) top = std::max(top, chance(move));
  std::vector<double> weight;
  double sum = 0;
  for (const MoveStats& move : stats) {
    const float share = chance(move) / top;
    weight.push_back(std::pow(share, 1 / settings_.temperature));
    sum += weight.back();
  }
  double draw = rng_.uniform() * sum;
  for (size_t i = 0; i < stats.size(); ++i)
    if ((draw -= weight[i]) < 0) return stats[i].action;
  return stats.front().action;
}

std::vector<int> Search::principal_variation(int action, std::vector<int>* visits) const {
  std::vector<int> line;
  int index = Tree::kRoot;
  int move = tree_.find_move(tree_.node(index), action);
  while (move >= 0) {
    line.push_back(tree_.actions(tree_.node(index))[move]);
    const bool visited = move < tree_.node(index).edge_count;
    if (visits) visits->push_back(visited ? tree_.edge(tree_.node(index), move).visits : 0);
    if (!visited) break;
    index = tree_.edge(tree_.node(index), move).node;
    const Node& node = tree_.node(index);
    const std::vector<bool> out = ruled_out(node);
    move = -1;
    for (int i = 0; i < node.edge_count; ++i)
      if (!out[i] && tree_.edge(node, i).visits > 0 &&
          (move < 0 || tree_.edge(node, i).visits > tree_.edge(node, move).visits))
        move = i;
  }
  return line;
}

}  // namespace move37
