#include "search.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace move37 {

namespace {

// A terminal visit costs no evaluation, so a tree whose root is nearly solved could spin here for
// ever; this bounds the work between two batches.
constexpr int kMaxTerminalVisitsPerCollect = 256;

float mover_view(int to_move, float first_player_value) {
  return to_move == 0 ? first_player_value : -first_player_value;
}

}  // namespace

Search::Search(const Game& game, const SearchSettings& settings, uint64_t seed)
    : game_(&game),
      settings_(settings),
      rng_(seed),
      root_state_(game.state_bytes),
      state_(game.state_bytes),
      legal_mask_(game.actions),
      root_prior_(game.actions),
      root_gumbel_(game.actions) {
  game.reset(root_state_.data());
}

void Search::set_root(const uint8_t* state, const uint8_t* allowed) {
  if (allowed != nullptr && !game_->over(state)) {
    std::memcpy(state_.data(), state, state_.size());
    game_->legal(state_.data(), legal_mask_.data());
    bool some = false;
    for (int action = 0; action < game_->actions; ++action)
      some = some || (legal_mask_[action] & allowed[action]) != 0;
    if (!some) throw std::invalid_argument("none of the allowed moves is legal");
  }
  cancel();
  std::copy_n(state, root_state_.size(), root_state_.begin());
  allowed_.assign(allowed, allowed + (allowed == nullptr ? 0 : game_->actions));
  tree_.clear();
  root_prepared_ = false;
}

void Search::advance(int action) {
  cancel();
  const Node& root = tree_.node(Tree::kRoot);
  const int move = tree_.find_move(root, action);
  game_->play(root_state_.data(), action);
  allowed_.clear();
  const bool visited = move >= 0 && move < root.edge_count;
  if (settings_.reuse_tree && settings_.root_policy == RootPolicy::kPuct && visited)
    tree_.keep_below(move);
  else
    tree_.clear();
  root_prepared_ = false;
}

bool Search::done() const {
  const Node& root = tree_.node(Tree::kRoot);
  if (root.status == Status::kTerminal) return true;
  return root.status == Status::kExpanded && root.visits >= settings_.visits && leaf_count_ == 0;
}

int Search::collect(Batch& batch) {
  cancel();
  int terminal_visits = 0;
  while (leaf_count_ < settings_.leaves_per_batch && batch.size < batch.capacity) {
    const Node& root = tree_.node(Tree::kRoot);
    if (root.visits + leaf_count_ >= settings_.visits && root.status == Status::kExpanded) break;
    if (static_cast<int>(leaves_.size()) == leaf_count_) leaves_.emplace_back();
    Leaf& leaf = leaves_[leaf_count_];
    const Selected selected = select(leaf);
    if (selected == Selected::kCollision) break;
    if (selected == Selected::kTerminal) {
      if (tree_.node(Tree::kRoot).status == Status::kTerminal) break;
      if (++terminal_visits == kMaxTerminalVisitsPerCollect) break;
      continue;
    }
    leaf.symmetry = settings_.random_symmetry ? rng_.below(game_->symmetries) : 0;
    encode_seen(*game_, state_.data(), leaf.symmetry,
                batch.planes + static_cast<int64_t>(batch.size) * game_->plane_bytes(),
                batch.globals + static_cast<int64_t>(batch.size) * game_->globals,
                encode_scratch_);
    ++batch.size;
    ++leaf_count_;
  }
  return leaf_count_;
}

Search::Selected Search::select(Leaf& leaf) {
  // Step 1. Start from the root.
  leaf.path.clear();
  std::memcpy(state_.data(), root_state_.data(), state_.size());
  int index = Tree::kRoot;
  if (!root_prepared_) prepare_root();

  // Step 2. Descend along the best edges to a node that is not expanded.
  while (tree_.node(index).status == Status::kExpanded) {
    const bool is_root = index == Tree::kRoot;
    const Node& node = tree_.node(index);
    const bool gumbel = is_root && settings_.root_policy == RootPolicy::kGumbel;
    int move = gumbel ? select_gumbel(node) : select_puct(node, is_root);
    if (move >= node.edge_count) move = tree_.add_edge(index, move);
    leaf.path.push_back({index, move});
    Edge& edge = tree_.edge(tree_.node(index), move);
    ++edge.in_flight;
    game_->play(state_.data(), tree_.action(tree_.node(index), move));
    index = edge.node;
  }
  leaf.node = index;

  // Step 3. Say what the new node is.
  Node& node = tree_.node(index);
  if (node.status == Status::kPending) {
    give_back(leaf);
    return Selected::kCollision;
  }
  if (node.status == Status::kNew) {
    node.to_move = static_cast<uint8_t>(game_->to_move(state_.data()));
    if (game_->over(state_.data())) {
      node.status = Status::kTerminal;
      node.value = game_->outcome(state_.data());
    }
  }
  if (node.status == Status::kTerminal) {
    back_up(leaf, node.value);
    return Selected::kTerminal;
  }
  if (node.move_count == 0) {  // a leaf that was given back has its moves already
    if (game_->legal(state_.data(), legal_mask_.data()) == 0) {
      give_back(leaf);
      throw std::runtime_error("game '" + game_->name +
                               "' has a position that is not over but has no legal move");
    }
    if (index == Tree::kRoot && !allowed_.empty())
      for (int action = 0; action < game_->actions; ++action) legal_mask_[action] &= allowed_[action];
    tree_.set_moves(index, legal_mask_.data(), game_->actions);
  }
  node.status = Status::kPending;
  return Selected::kLeaf;
}

// PUCT: Silver et al. 2017 (AlphaGo Zero), Methods "Select"; the visit-dependent factor is of
// Silver et al. 2018 (AlphaZero), pseudocode. First-play urgency: an unvisited move is worth the
// parent's value less a reduction that grows with the prior already tried.
int Search::select_puct(const Node& node, bool is_root) const {
  int visits = 0;
  double value_sum = mover_view(node.to_move, node.value);
  float tried_prior = 0;
  for (int i = 0; i < node.edge_count; ++i) {
    const Edge& edge = tree_.edge(node, i);
    const int n = edge.visits + edge.in_flight;
    visits += n;
    value_sum += edge.value_sum - settings_.virtual_loss * edge.in_flight;
    if (n > 0) tried_prior += tree_.prior(node, i);
  }
  const float c = settings_.c_puct +
                  std::log((visits + 1 + settings_.c_puct_base) / settings_.c_puct_base);
  const float exploration = c * std::sqrt(static_cast<float>(visits) + 1e-8f);
  const float reduction = is_root && settings_.noise_fraction > 0 ? 0.0f : settings_.fpu_reduction;
  const float parent = static_cast<float>(value_sum / (visits + 1));
  const float urgency = parent - reduction * std::sqrt(tried_prior);

  float best_score = -std::numeric_limits<float>::infinity();
  int best = 0;
  for (int i = 0; i < node.edge_count; ++i) {
    const Edge& edge = tree_.edge(node, i);
    const int n = edge.visits + edge.in_flight;
    const float q = n == 0 ? urgency  // its only visit was given back
                           : static_cast<float>((edge.value_sum -
                                                 settings_.virtual_loss * edge.in_flight) / n);
    const float score = q + exploration * tree_.prior(node, i) / static_cast<float>(1 + n);
    if (score > best_score) best_score = score, best = i;
  }
  // All unvisited moves are worth the same, so only the one with the largest prior can win.
  if (node.edge_count < node.move_count) {
    int first = node.edge_count;
    for (int i = first + 1; i < node.move_count; ++i)
      if (tree_.prior(node, i) > tree_.prior(node, first)) first = i;
    if (urgency + exploration * tree_.prior(node, first) > best_score) best = first;
  }
  return best;
}

// Sequential halving: Danihelka et al. 2022, Algorithm 2. Among the moves that have exactly the
// visits the schedule asks for, the one with the largest g + logit + sigma(q).
int Search::select_gumbel(const Node& root) const {
  int visits = 0, max_visits = 0;
  for (int i = 0; i < root.edge_count; ++i) {
    const Edge& edge = tree_.edge(root, i);
    visits += edge.visits + edge.in_flight;
    max_visits = std::max(max_visits, edge.visits);
  }
  const size_t last = considered_visits_.size() - 1;
  const int wanted = considered_visits_[std::min(static_cast<size_t>(visits), last)];
  const std::vector<double> q = completed_q(root);
  int best = -1;
  double best_score = 0;
  for (int i = 0; i < root.move_count; ++i) {
    const int n = i < root.edge_count ? tree_.edge(root, i).visits + tree_.edge(root, i).in_flight : 0;
    if (n != wanted) continue;
    const double score = gumbel_score(root, i, q[i], max_visits);
    if (best < 0 || score > best_score) best_score = score, best = i;
  }
  return best >= 0 ? best : select_puct(root, true);
}

double Search::gumbel_score(const Node& root, int i, double q, int max_visits) const {
  const int action = tree_.action(root, i);
  const double logit = std::log(std::max(tree_.prior(root, i), 1e-30f));
  const double sigma = (settings_.gumbel_c_visit + max_visits) * settings_.gumbel_c_scale * q;
  return root_gumbel_[action] + logit + sigma;
}

// The value of every move, in the mover's view; unvisited moves get the mixed value of
// Danihelka et al. 2022, Appendix D, equation 33.
std::vector<double> Search::completed_q(const Node& root) const {
  std::vector<double> q(root.move_count);
  int visits = 0;
  double visited_prior = 0, weighted = 0;
  for (int i = 0; i < root.edge_count; ++i) {
    const Edge& edge = tree_.edge(root, i);
    if (edge.visits == 0) continue;
    visits += edge.visits;
    q[i] = edge.value_sum / edge.visits;
    const double prior = std::max(tree_.prior(root, i), 1e-30f);
    visited_prior += prior;
    weighted += prior * q[i];
  }
  const double own = mover_view(root.to_move, root.value);
  const double mixed = visits == 0 ? own : (own + visits * weighted / visited_prior) / (1 + visits);
  for (int i = 0; i < root.move_count; ++i)
    if (i >= root.edge_count || tree_.edge(root, i).visits == 0) q[i] = mixed;
  return q;
}

void Search::absorb(const float* logits, const float* values) {
  for (int i = 0; i < leaf_count_; ++i) {
    bool finite = std::isfinite(values[i]);
    const float* row = logits + static_cast<int64_t>(i) * game_->actions;
    for (int a = 0; a < game_->actions; ++a) finite = finite && std::isfinite(row[a]);
    if (!finite) {
      cancel();
      throw std::runtime_error("the evaluator returned a number that is not finite");
    }
  }
  const int count = leaf_count_;
  leaf_count_ = 0;
  for (int i = 0; i < count; ++i)
    expand(leaves_[i], logits + static_cast<int64_t>(i) * game_->actions, values[i]);
}

// Step 4. Expand: priors are the softmax of the logits over the legal moves. Then back up.
void Search::expand(const Leaf& leaf, const float* logits, float value) {
  Node& node = tree_.node(leaf.node);
  const int32_t* table = game_->action_symmetries.data() +
                         static_cast<int64_t>(leaf.symmetry) * game_->actions;
  std::vector<float> original(logits, logits + game_->actions);
  if (leaf.symmetry != 0)
    for (int i = 0; i < game_->actions; ++i) original[table[i]] = logits[i];
  float largest = -std::numeric_limits<float>::infinity();
  for (int i = 0; i < node.move_count; ++i)
    largest = std::max(largest, original[tree_.action(node, i)]);
  float sum = 0;
  for (int i = 0; i < node.move_count; ++i)
    sum += (tree_.prior(node, i) = std::exp(original[tree_.action(node, i)] - largest));
  for (int i = 0; i < node.move_count; ++i) tree_.prior(node, i) /= sum;
  node.value = mover_view(node.to_move, std::clamp(value, -1.0f, 1.0f));
  node.status = Status::kExpanded;
  back_up(leaf, node.value);
  if (leaf.node == Tree::kRoot) root_prepared_ = false;
}

void Search::back_up(const Leaf& leaf, float value) {
  for (const Step& step : leaf.path) {
    Node& node = tree_.node(step.node);
    Edge& edge = tree_.edge(node, step.edge);
    --edge.in_flight;
    ++edge.visits;
    edge.value_sum += mover_view(node.to_move, value);
    ++node.visits;
  }
  ++tree_.node(leaf.node).visits;
}

void Search::give_back(const Leaf& leaf) {
  for (const Step& step : leaf.path) --tree_.edge(tree_.node(step.node), step.edge).in_flight;
}

void Search::cancel() {
  for (int i = 0; i < leaf_count_; ++i) {
    give_back(leaves_[i]);
    tree_.node(leaves_[i].node).status = Status::kNew;
  }
  leaf_count_ = 0;
}

// Once a search, when the root has its priors: noise, and Gumbel's draw and schedule.
void Search::prepare_root() {
  const Node& root = tree_.node(Tree::kRoot);
  if (root.status != Status::kExpanded) return;
  root_prepared_ = true;
  float sum = 0, largest = 0;
  const float exponent = 1 / settings_.root_policy_temperature;
  for (int i = 0; i < root.move_count; ++i) largest = std::max(largest, tree_.prior(root, i));
  for (int i = 0; i < root.move_count; ++i) {
    float& prior = tree_.prior(root, i);
    root_prior_[tree_.action(root, i)] = prior;
    if (exponent != 1) prior = std::pow(prior / largest, exponent);  // the ratio never underflows all
    sum += prior;
  }
  for (int i = 0; i < root.move_count; ++i) tree_.prior(root, i) /= sum;
  if (settings_.root_policy == RootPolicy::kGumbel) {
    for (int i = 0; i < root.move_count; ++i)
      root_gumbel_[tree_.action(root, i)] = settings_.gumbel_scale * static_cast<float>(rng_.gumbel());
    considered_visits_ = considered_visits_schedule(
        std::min<int>(settings_.gumbel_considered, root.move_count), std::max(1, settings_.visits - 1));
  } else if (settings_.noise_fraction > 0) {
    apply_noise();
  }
}

// Root noise: Silver et al. 2017, Methods "Self-play"; the total of alpha is spread over the
// legal moves, so that the noise is as concentrated on every board size.
void Search::apply_noise() {
  const Node& root = tree_.node(Tree::kRoot);
  const auto noise = rng_.dirichlet(root.move_count, settings_.noise_total / root.move_count);
  for (int i = 0; i < root.move_count; ++i)
    tree_.prior(root, i) = (1 - settings_.noise_fraction) * tree_.prior(root, i) +
                           settings_.noise_fraction * static_cast<float>(noise[i]);
}

void Search::run_uniform() {
  std::vector<uint8_t> planes(static_cast<size_t>(settings_.leaves_per_batch) * game_->plane_bytes());
  std::vector<float> globals(static_cast<size_t>(settings_.leaves_per_batch) * game_->globals + 1);
  const std::vector<float> logits(static_cast<size_t>(settings_.leaves_per_batch) * game_->actions);
  const std::vector<float> values(settings_.leaves_per_batch);
  while (!done()) {
    Batch batch{planes.data(), globals.data(), settings_.leaves_per_batch};
    collect(batch);
    absorb(logits.data(), values.data());
  }
}

float Search::root_value() const {
  const Node& root = tree_.node(Tree::kRoot);
  if (root.status != Status::kExpanded) return root.value;
  double value = 0;
  if (settings_.root_policy == RootPolicy::kGumbel) {
    const std::vector<double> q = completed_q(root);
    const std::vector<MoveStats> stats = moves();
    for (const MoveStats& move : stats) value += move.policy * q[tree_.find_move(root, move.action)];
  } else {
    value = mover_view(root.to_move, root.value);
    int visits = 1;
    for (int i = 0; i < root.edge_count; ++i) {
      value += tree_.edge(root, i).value_sum;
      visits += tree_.edge(root, i).visits;
    }
    value /= visits;
  }
  return mover_view(root.to_move, static_cast<float>(value));
}

std::vector<MoveStats> Search::moves() const {
  const Node& root = tree_.node(Tree::kRoot);
  std::vector<MoveStats> stats;
  if (root.status != Status::kExpanded) return stats;
  const std::vector<double> q = completed_q(root);
  int visits = 0, max_visits = 0;
  for (int i = 0; i < root.edge_count; ++i) {
    visits += tree_.edge(root, i).visits;
    max_visits = std::max(max_visits, tree_.edge(root, i).visits);
  }
  std::vector<double> weight(root.move_count);
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  const bool gumbel = settings_.root_policy == RootPolicy::kGumbel;
  for (int i = 0; i < root.move_count; ++i) {
    const int n = i < root.edge_count ? tree_.edge(root, i).visits : 0;
    const double logit = std::log(std::max(tree_.prior(root, i), 1e-30f));
    if (gumbel)
      weight[i] = logit + (settings_.gumbel_c_visit + max_visits) * settings_.gumbel_c_scale * q[i];
    else
      weight[i] = visits == 0 ? logit : std::log(n + 1e-30);
    largest = std::max(largest, weight[i]);
  }
  for (double& w : weight) sum += (w = std::exp(w - largest));
  for (int i = 0; i < root.move_count; ++i) {
    const int action = tree_.action(root, i);
    const int n = i < root.edge_count ? tree_.edge(root, i).visits : 0;
    const float prior = root_prepared_ ? root_prior_[action] : tree_.prior(root, i);
    stats.push_back({action, n, prior, static_cast<float>(q[i]), static_cast<float>(weight[i] / sum)});
  }
  std::stable_sort(stats.begin(), stats.end(), [](const MoveStats& a, const MoveStats& b) {
    return a.visits != b.visits ? a.visits > b.visits : a.policy > b.policy;
  });
  return stats;
}

int Search::choose(int moves_played) {
  const std::vector<MoveStats> stats = moves();
  if (stats.empty()) throw std::runtime_error("choose: the search has not begun");
  if (settings_.temperature > 0 && moves_played < settings_.temperature_moves) {
    const bool searched = stats.front().visits > 0;
    const float top = searched ? static_cast<float>(stats.front().visits) : stats.front().policy;
    std::vector<double> weight;
    double sum = 0;
    for (const MoveStats& move : stats) {
      const float share = (searched ? static_cast<float>(move.visits) : move.policy) / top;
      weight.push_back(std::pow(share, 1 / settings_.temperature));
      sum += weight.back();
    }
    double draw = rng_.uniform() * sum;
    for (size_t i = 0; i < stats.size(); ++i)
      if ((draw -= weight[i]) < 0) return stats[i].action;
    return stats.front().action;
  }
  if (settings_.root_policy == RootPolicy::kPuct || stats.front().visits == 0)
    return stats.front().action;
  const Node& root = tree_.node(Tree::kRoot);
  const int max_visits = stats.front().visits;
  int best = stats.front().action;
  double best_score = -std::numeric_limits<double>::infinity();
  for (const MoveStats& move : stats) {
    if (move.visits < max_visits) break;
    const double score =
        gumbel_score(root, tree_.find_move(root, move.action), move.value, max_visits);
    if (score > best_score) best_score = score, best = move.action;
  }
  return best;
}

std::vector<int> Search::principal_variation(int action, std::vector<int>* visits) const {
  std::vector<int> line;
  int index = Tree::kRoot;
  int move = tree_.find_move(tree_.node(index), action);
  while (move >= 0) {
    line.push_back(tree_.action(tree_.node(index), move));
    const bool visited = move < tree_.node(index).edge_count;
    if (visits) visits->push_back(visited ? tree_.edge(tree_.node(index), move).visits : 0);
    if (!visited) break;
    index = tree_.edge(tree_.node(index), move).node;
    const Node& node = tree_.node(index);
    move = -1;
    for (int i = 0; i < node.edge_count; ++i)
      if (tree_.edge(node, i).visits > 0 &&
          (move < 0 || tree_.edge(node, i).visits > tree_.edge(node, move).visits))
        move = i;
  }
  return line;
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

}  // namespace move37
