// Proven results: bounds on the outcome of positions, and what follows from them.
#include <algorithm>

#include "search.h"

namespace move37 {

// Carries a proven result towards the root: bounds on the outcome, as in Cazenave and Saffidine
// 2010, "Score bounded Monte-Carlo tree search"; with wins and losses only it is the MCTS-solver
// of Winands et al. 2008.
void Search::prove(const Leaf& leaf) {
  for (auto step = leaf.path.rbegin(); step != leaf.path.rend(); ++step) {
    Node& node = tree_.node(step->node);
    refresh(node, step->edge);
    if (!update_bounds(node)) return;
  }
}

// A node is worth at least its best move's lower bound, and at most the best upper bound of all its
// moves, the untried ones included. Returns whether something new is known.
bool Search::update_bounds(Node& node) {
  const bool first = node.to_move == 0;
  int lower = -1, upper = node.edge_count < node.move_count ? 1 : -1;  // the mover's view
  for (int i = 0; i < node.edge_count; ++i) {
    const Node& child = tree_.node(tree_.edge(node, i).node);
    lower = std::max<int>(lower, first ? child.lower : -child.upper);
    upper = std::max<int>(upper, first ? child.upper : -child.lower);
  }
  const int8_t least = static_cast<int8_t>(first ? lower : -upper);
  const int8_t most = static_cast<int8_t>(first ? upper : -lower);
  if (least == node.lower && most == node.upper) return false;
  node.lower = least;
  node.upper = most;
  return true;
}

// Whether the move is proven to lose for the side that plays it.
bool Search::proven_loss(const Node& node, int i) const {
  const Node& child = tree_.node(tree_.edge(node, i).node);
  return node.to_move == 0 ? child.upper == -1 : child.lower == 1;
}

// The result that a proven move reaches at least, in the mover's view.
float Search::proven_least(const Node& node) const {
  return node.to_move == 0 ? node.lower : -node.upper;
}

// Whether a proven move is better than what the most visited of the others promises. Results are
// compared, without the margin, of which a proof says nothing.
bool Search::prefers_proven(const Node& root) const {
  if (root.solved()) return true;
  int best = -1;
  bool reached = false;
  for (int i = 0; i < root.edge_count; ++i) {
    const Edge& edge = tree_.edge(root, i);
    const Node& child = tree_.node(edge.node);
    if (child.solved())
      reached |= mover_view(root.to_move, child.lower) == proven_least(root);
    else if (edge.visits > 0 && (best < 0 || edge.visits > tree_.edge(root, best).visits))
      best = i;
  }
  const float least = proven_least(root);
  return reached && least > -1 && (best < 0 || edge_mean(root, best, &Edge::value_sum) < least);
}

// The moves not to be played: when proven moves are the best, all others; else those proven to lose,
// as long as another may not.
std::vector<bool> Search::ruled_out(const Node& root) const {
  std::vector<bool> out(root.move_count);
  if (!settings_.solve) return out;
  const bool proven = prefers_proven(root);
  for (int i = 0; i < root.move_count; ++i) {
    const bool tried = i < root.edge_count;
    const Node* child = tried ? &tree_.node(tree_.edge(root, i).node) : nullptr;
    if (proven)
      out[i] = !tried || !child->solved() ||
               mover_view(root.to_move, child->lower) != proven_least(root);
    else
      out[i] = tried && proven_loss(root, i);
  }
  return out;
}

}  // namespace move37
