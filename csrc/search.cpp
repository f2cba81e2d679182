#include "search.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "vector.h"

namespace move37 {

namespace {

// A visit of a solved or a cached position, or of one valued by random games, costs no evaluation, so
// a tree with nothing else to visit could spin here for ever; this bounds the work between two
// batches, and between two looks at the clock.
constexpr int kMaxFreeVisits = 256;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kTwoOverPi = 0.63661977f;

}  // namespace

Search::Search(const Game& game, const SearchSettings& settings, uint64_t seed,
               std::shared_ptr<EvaluationCache> cache)
    : game_(&game),
      settings_(settings),
      rng_(seed),
      cache_(std::move(cache)),
      root_state_(game.state_bytes),
      state_(game.state_bytes),
      legal_mask_(game.actions),
      ownership_scratch_(game.area()),
      logits_scratch_(game.actions),
      scores_scratch_(game.actions),
      root_prior_(game.actions),
      root_gumbel_(game.actions) {
  game.reset(root_state_.data());
}

void Search::set_root(const uint8_t* state, const uint8_t* allowed) {
  if (allowed != nullptr && !game_->over(state)) {
    std::memcpy(state_.data(), state, state_.size());
    if (game_->legal(state_.data(), legal_mask_.data()) == forbid(allowed))
      throw std::invalid_argument("none of the allowed moves is legal");
  }
  cancel();
  std::copy_n(state, root_state_.size(), root_state_.begin());
  allowed_.assign(allowed, allowed + (allowed == nullptr ? 0 : game_->actions));
  forget();
  root_prepared_ = false;
}

// Empties the tree. Its memory is used again, unless it is so much that no search could begin.
void Search::forget() {
  if (memory_full())
    tree_ = Tree();
  else
    tree_.clear();
}

bool Search::memory_full() const {
  return tree_.bytes() >= static_cast<int64_t>(settings_.memory_mib) << 20;
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
    forget();
  const Node& kept = tree_.node(Tree::kRoot);
  if (kept.status == Status::kExpanded && !kept.prepared) tree_.prepare(Tree::kRoot);
  root_prepared_ = false;
}

bool Search::done() const {
  const Node& root = tree_.node(Tree::kRoot);
  if (leaf_count_ > 0) return false;
  if (root.status == Status::kTerminal) return true;
  if (root.status != Status::kExpanded) return false;
  if (root.visits >= settings_.visits) return true;
  if (settings_.solve && root.solved()) return true;
  if (memory_full()) return true;
  return settings_.stop_early && settled();
}

// Whether the visits left are too few for another move to become the most visited. Moves proven to
// lose get no more visits, and are not played whatever they had.
bool Search::settled() const {
  const Node& root = tree_.node(Tree::kRoot);
  int open = root.move_count, first = 0, second = 0;
  for (int i = 0; i < root.edge_count; ++i) {
    const int visits = tree_.edge(root, i).visits;
    if (settings_.solve && proven_loss(root, i))
      --open;
    else if (visits > first)
      second = first, first = visits;
    else
      second = std::max(second, visits);
  }
  return open == 1 || first - second > settings_.visits - root.visits;
}

int Search::collect(Batch& batch) {
  cancel();
  int free_visits = 0;
  gather(batch);
  while (rows_ == 0 && leaf_count_ > 0) {  // the cache knew them all
    free_visits += leaf_count_;
    absorb(nullptr, nullptr, nullptr);
    if (free_visits >= kMaxFreeVisits) break;
    gather(batch);
  }
  return rows_;
}

// Selects leaves for one batch. Those that the cache knows wait for the others but take no row, so
// that the tree grows as it would without a cache.
void Search::gather(Batch& batch) {
  int free_visits = 0;
  while (leaf_count_ < settings_.leaves_per_batch && batch.size < batch.capacity) {
    const Node& root = tree_.node(Tree::kRoot);
    if (root.visits + leaf_count_ >= settings_.visits && root.status == Status::kExpanded) break;
    if (settings_.solve && root.solved() && root.visits > 0) break;
    if (static_cast<int>(leaves_.size()) == leaf_count_) leaves_.emplace_back();
    Leaf& leaf = leaves_[leaf_count_];
    const Selected selected = select(leaf);
    if (selected == Selected::kCollision) break;
    if (selected == Selected::kTerminal) {
      if (tree_.node(Tree::kRoot).status == Status::kTerminal) break;
      if (++free_visits == kMaxFreeVisits) break;
      continue;
    }
    if (settings_.playouts > 0) {
      expand_by_playouts(leaf);
      if ((free_visits += settings_.playouts) >= kMaxFreeVisits) break;
      continue;
    }
    leaf.symmetry = settings_.random_symmetry ? rng_.below(game_->symmetries) : 0;
    uint8_t* planes = batch.planes + static_cast<int64_t>(batch.size) * game_->plane_bytes();
    float* globals = batch.globals + static_cast<int64_t>(batch.size) * game_->globals;
    encode_seen(*game_, state_.data(), leaf.symmetry, planes, globals, encode_scratch_);
    ++leaf_count_;
    leaf.cached = false;
    if (cache_ != nullptr) {
      leaf.key = cache_->key(planes, globals);
      Answer known;
      leaf.cached = cache_->find(leaf.key, &known);
      if (leaf.cached) keep(leaf, known);
    }
    batch.size += !leaf.cached;
    rows_ += !leaf.cached;
  }
}

Search::Selected Search::select(Leaf& leaf) {
  // Step 1. Start from the root.
  leaf.path.clear();
  std::memcpy(state_.data(), root_state_.data(), state_.size());
  int index = Tree::kRoot;
  if (!root_prepared_) prepare_root();

  // Step 2. Descend along the best edges to a node that is not expanded, or is solved.
  while (tree_.node(index).status == Status::kExpanded) {
    if (settings_.solve && tree_.node(index).solved()) break;
    const bool gumbel = index == Tree::kRoot && settings_.root_policy == RootPolicy::kGumbel;
    int move = gumbel ? select_gumbel(index) : select_puct(index);
    const bool added = move >= tree_.node(index).edge_count;
    if (added) move = tree_.add_edge(index, move);
    leaf.path.push_back({index, move});
    Node& node = tree_.node(index);
    Edge& edge = tree_.edge(node, move);
    ++edge.in_flight;
    ++node.in_flight;
    refresh(node, move);
    if (!added && edge.visits + edge.in_flight == 1) recount_tried(node);  // it had been given back
    game_->play(state_.data(), tree_.actions(node)[move]);
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
      if (game_->score != nullptr) node.score = game_->score(state_.data(), ownership_scratch_.data());
      node.lower = node.upper = static_cast<int8_t>(node.value);
      if (settings_.solve) prove(leaf);
    }
  }
  if (node.status == Status::kTerminal || node.status == Status::kExpanded) {
    back_up(leaf);
    return Selected::kTerminal;
  }
  if (node.move_count == 0) {  // a leaf that was given back has its moves already
    int count = game_->legal(state_.data(), legal_mask_.data());
    if (count == 0) {
      give_back(leaf);
      throw std::runtime_error("game '" + game_->name +
                               "' has a position that is not over but has no legal move");
    }
    if (index == Tree::kRoot && !allowed_.empty()) count -= forbid(allowed_.data());
    tree_.set_moves(index, legal_mask_.data(), game_->actions, count);
  }
  node.status = Status::kPending;
  return Selected::kLeaf;
}

// Takes the moves that are not allowed out of the legal mask; returns how many were in it.
int Search::forbid(const uint8_t* allowed) {
  int taken = 0;
  for (int action = 0; action < game_->actions; ++action) {
    const uint8_t left = legal_mask_[action] & allowed[action];
    taken += legal_mask_[action] != left;
    legal_mask_[action] = left;
  }
  return taken;
}

// The factor of PUCT's exploration term: Silver et al. 2017 (AlphaGo Zero), Methods "Select"; its
// growth with the visits is of Silver et al. 2018 (AlphaZero), pseudocode.
float Search::exploration(const Node& node) const {
  const float visits = static_cast<float>(node.visits - 1 + node.in_flight);
  const float c =
      settings_.c_puct + std::log((visits + 1 + settings_.c_puct_base) / settings_.c_puct_base);
  return c * std::sqrt(visits);
}

// PUCT. First-play urgency: an unvisited move is worth the parent's value less a reduction that
// grows with the prior already tried. Visits in flight count as visits but leave the values as they
// are (Liu et al. 2020, "Watch the Unobserved"); a move with no other visit is worth the parent's
// value less the virtual loss, so that a batch looks elsewhere before it meets itself.
int Search::select_puct(int index) {
  if (!tree_.node(index).prepared) tree_.prepare(index);
  const Node& node = tree_.node(index);
  const bool is_root = index == Tree::kRoot;
  const float factor = exploration(node);
  const float reduction = is_root && settings_.noise_fraction > 0 ? 0.0f : settings_.fpu_reduction;
  const double total = node.to_move == 0 ? node.utility_sum : -node.utility_sum;
  const float parent = static_cast<float>(total / node.visits);
  const float urgency = parent - reduction * std::sqrt(node.tried_prior);

  const int count = node.edge_count;
  const float* q = tree_.q(node);
  const float* n = tree_.n(node);
  const float* prior = tree_.priors(node);
  float* score = scores_scratch_.data();
  puct_scores(q, n, prior, factor, count, score);
  if (node.fresh_edges > 0)
    for (int i = 0; i < count; ++i)
      if (tree_.edge(node, i).visits == 0)
        score[i] = (n[i] > 0 ? parent - settings_.virtual_loss : urgency) +
                   factor * prior[i] / (1 + n[i]);
  if (is_root && settings_.forced_playouts > 0) {
    // Forced playouts: Wu 2019, section 3.2, of moves that have had one.
    const float visits = static_cast<float>(node.visits - 1 + node.in_flight);
    for (int i = 0; i < count; ++i)
      if (tree_.edge(node, i).visits > 0 && q[i] > -kInfinity &&
          n[i] < std::sqrt(settings_.forced_playouts * prior[i] * visits))
        score[i] = kInfinity;
  }
  int best = count > 0 ? first_largest(score, count) : 0;
  const float best_score = count > 0 ? score[best] : -kInfinity;
  // All unvisited moves are worth the same, so the first, whose prior is the largest, is the best.
  if (count < node.move_count &&
      (best_score == -kInfinity || urgency + factor * prior[count] > best_score))
    best = count;
  return best;
}

// Winning, and a little for the margin, so that won games are finished well: Wu 2019, appendix
// "Score maximization"; the margin counts from what was expected when the tree began.
float Search::utility(float value, float score) const {
  if (settings_.score_weight == 0) return value;
  const float width = static_cast<float>(game_->width);
  return value + settings_.score_weight * kTwoOverPi * std::atan((score - score_centre_) / width);
}

void Search::absorb(const float* logits, const float* values, const float* scores) {
  if (!all_finite(logits, static_cast<int64_t>(rows_) * game_->actions) || !all_finite(values, rows_) ||
      (scores != nullptr && !all_finite(scores, rows_))) {
    cancel();
    throw std::runtime_error("the evaluator returned a number that is not finite");
  }
  const int count = leaf_count_;
  leaf_count_ = rows_ = 0;
  int row = 0;
  for (int i = 0; i < count; ++i) {
    const Leaf& leaf = leaves_[i];
    if (!leaf.cached) {
      const Answer answer{logits + static_cast<int64_t>(row) * game_->actions, values[row],
                          scores == nullptr ? 0 : scores[row]};
      ++row;
      if (cache_ != nullptr) cache_->store(leaf.key, answer);
      keep(leaf, answer);
    }
    expand(leaf);
  }
}

// Gives a leaf the evaluator's answer, its logits as priors for now.
void Search::keep(const Leaf& leaf, const Answer& answer) {
  Node& node = tree_.node(leaf.node);
  node.value = mover_view(node.to_move, std::clamp(answer.value, -1.0f, 1.0f));
  node.score = mover_view(node.to_move, answer.score);
  const float* logits = answer.logits;
  if (leaf.symmetry != 0) {
    const int32_t* table = game_->action_symmetries.data() +
                           static_cast<int64_t>(leaf.symmetry) * game_->actions;
    for (int i = 0; i < game_->actions; ++i) logits_scratch_[table[i]] = logits[i];
    logits = logits_scratch_.data();
  }
  float* prior = tree_.priors(node);
  const int16_t* action = tree_.actions(node);
  for (int i = 0; i < node.move_count; ++i) prior[i] = logits[action[i]];
}

// Step 4. Expand a leaf that has its answer, and back its value up.
void Search::expand(const Leaf& leaf) {
  Node& node = tree_.node(leaf.node);
  node.status = Status::kExpanded;
  if (leaf.node == Tree::kRoot) {
    tree_.prepare(Tree::kRoot);
    root_prepared_ = false;
    if (leaf.path.empty() && node.visits == 0) score_centre_ = node.score;
  }
  back_up(leaf);
}

// Plain Monte Carlo tree search (Coulom 2006): the leaf, whose position is still in `state_`, is worth
// the mean result of random games, and no move is better than another.
void Search::expand_by_playouts(const Leaf& leaf) {
  float value = 0, score = 0;
  for (int i = 0; i < settings_.playouts; ++i) {
    playout_state_ = state_;
    play_out(*game_, playout_state_.data(), legal_mask_, rng_);
    value += game_->outcome(playout_state_.data());
    if (game_->score != nullptr)
      score += game_->score(playout_state_.data(), ownership_scratch_.data());
  }
  Node& node = tree_.node(leaf.node);
  node.value = value / static_cast<float>(settings_.playouts);
  node.score = score / static_cast<float>(settings_.playouts);
  std::fill_n(tree_.priors(node), node.move_count, 0.0f);
  expand(leaf);
}

// A finished visit: the leaf's value joins every move of the path to it. On its way it is cut to what
// is proven of each position; what another move proves does not change what this one is worth.
void Search::back_up(const Leaf& leaf) {
  Node& end = tree_.node(leaf.node);
  float value = settings_.solve && end.solved() ? end.lower : end.value;
  float result = utility(value, end.score);
  ++end.visits;
  end.utility_sum += result;
  for (auto step_to = leaf.path.rbegin(); step_to != leaf.path.rend(); ++step_to) {
    const Step& step = *step_to;
    Node& node = tree_.node(step.node);
    Edge& edge = tree_.edge(node, step.edge);
    const float mine = mover_view(node.to_move, result);
    --edge.in_flight;
    --node.in_flight;
    if (edge.visits == 0) --node.fresh_edges;
    ++edge.visits;
    ++node.visits;
    edge.utility_sum += mine;
    edge.square_sum += mine * mine;
    edge.value_sum += mover_view(node.to_move, value);
    edge.score_sum += mover_view(node.to_move, end.score);
    if (settings_.solve && (value < node.lower || value > node.upper)) {
      value = std::clamp<float>(value, node.lower, node.upper);
      result = utility(value, end.score);
    }
    node.utility_sum += result;
    refresh(node, step.edge);
  }
}

// Brings what selection reads of an edge up to date.
void Search::refresh(const Node& node, int i) {
  const Edge& edge = tree_.edge(node, i);
  const bool solved = settings_.solve && tree_.node(edge.node).solved();
  tree_.n(node)[i] = static_cast<float>(edge.visits + edge.in_flight);
  tree_.q(node)[i] = solved             ? -kInfinity
                     : edge.visits == 0 ? 0
                                        : static_cast<float>(edge.utility_sum / edge.visits);
}

void Search::give_back(const Leaf& leaf) {
  for (const Step& step : leaf.path) {
    Node& node = tree_.node(step.node);
    Edge& edge = tree_.edge(node, step.edge);
    --edge.in_flight;
    --node.in_flight;
    refresh(node, step.edge);
    if (edge.visits + edge.in_flight == 0) recount_tried(node);
  }
}

// After an edge lost its only visit, or got it back.
void Search::recount_tried(Node& node) {
  node.tried_prior = 0;
  for (int i = 0; i < node.edge_count; ++i)
    if (tree_.n(node)[i] > 0) node.tried_prior += tree_.priors(node)[i];
}

void Search::cancel() {
  for (int i = 0; i < leaf_count_; ++i) {
    give_back(leaves_[i]);
    tree_.node(leaves_[i].node).status = Status::kNew;
  }
  leaf_count_ = rows_ = 0;
}

void Search::run_uniform() {
  const size_t rows = settings_.leaves_per_batch;
  std::vector<uint8_t> planes(rows * game_->plane_bytes());
  std::vector<float> globals(rows * game_->globals + 1);
  const std::vector<float> logits(rows * game_->actions), values(rows);
  while (!done()) {
    Batch batch{planes.data(), globals.data(), settings_.leaves_per_batch};
    if (collect(batch) > 0) absorb(logits.data(), values.data(), nullptr);
  }
}

}  // namespace move37
