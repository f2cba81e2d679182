#include "tree.h"

#include <algorithm>

namespace move37 {

namespace {
constexpr int kFirstCapacity = 2;

int log2_of(int capacity) {
  int log2 = 0;
  while ((1 << log2) < capacity) ++log2;
  return log2;
}
}  // namespace

void Tree::clear() {
  nodes_.assign(1, Node{});
  priors_.clear();
  actions_.clear();
  edges_.clear();
  free_blocks_.clear();
}

int Tree::find_move(const Node& node, int action) const {
  for (int i = 0; i < node.move_count; ++i)
    if (this->action(node, i) == action) return i;
  return -1;
}

void Tree::set_moves(int index, const uint8_t* legal_mask, int actions) {
  Node& node = nodes_[index];
  node.first_move = static_cast<int32_t>(actions_.size());
  for (int action = 0; action < actions; ++action)
    if (legal_mask[action]) actions_.push_back(static_cast<int16_t>(action));
  node.move_count = static_cast<int16_t>(actions_.size() - node.first_move);
  priors_.resize(actions_.size(), 0.0f);
}

int Tree::allocate_edges(int capacity) {
  const size_t size_class = log2_of(capacity);
  if (size_class < free_blocks_.size() && !free_blocks_[size_class].empty()) {
    const int block = free_blocks_[size_class].back();
    free_blocks_[size_class].pop_back();
    std::fill_n(edges_.begin() + block, capacity, Edge{});
    return block;
  }
  const int block = static_cast<int>(edges_.size());
  edges_.resize(edges_.size() + capacity);
  return block;
}

int Tree::add_edge(int index, int i) {
  const int child = static_cast<int>(nodes_.size());
  nodes_.emplace_back();
  Node& node = nodes_[index];
  if (node.edge_count == node.edge_capacity) {
    const int capacity = std::max(kFirstCapacity, 2 * node.edge_capacity);
    const int block = allocate_edges(capacity);
    std::copy_n(edges_.begin() + node.first_edge, node.edge_count, edges_.begin() + block);
    if (node.edge_capacity > 0) {
      const size_t size_class = log2_of(node.edge_capacity);
      if (free_blocks_.size() <= size_class) free_blocks_.resize(size_class + 1);
      free_blocks_[size_class].push_back(node.first_edge);
    }
    node.first_edge = block;
    node.edge_capacity = static_cast<int16_t>(capacity);
  }
  const int edge = node.edge_count++;
  std::swap(actions_[node.first_move + edge], actions_[node.first_move + i]);
  std::swap(priors_[node.first_move + edge], priors_[node.first_move + i]);
  this->edge(node, edge).node = child;
  return edge;
}

void Tree::keep_below(int edge) {
  Tree kept;
  kept.nodes_[kRoot] = node(this->edge(node(kRoot), edge).node);
  // The copies stand in breadth-first order: each still points into the old tree until its turn.
  for (int i = 0; i < kept.size(); ++i) {
    Node copy = kept.nodes_[i];
    const int moves = static_cast<int>(kept.actions_.size());
    const auto first = copy.first_move, last = copy.first_move + copy.move_count;
    kept.actions_.insert(kept.actions_.end(), actions_.begin() + first, actions_.begin() + last);
    kept.priors_.insert(kept.priors_.end(), priors_.begin() + first, priors_.begin() + last);
    const int block = copy.edge_capacity > 0 ? kept.allocate_edges(copy.edge_capacity) : 0;
    for (int e = 0; e < copy.edge_count; ++e) {
      Edge moved = this->edge(copy, e);
      kept.nodes_.push_back(node(moved.node));
      moved.node = kept.size() - 1;
      kept.edges_[block + e] = moved;
    }
    copy.first_move = moves;
    copy.first_edge = block;
    kept.nodes_[i] = copy;
  }
  *this = std::move(kept);
}

int64_t Tree::bytes() const {
  return static_cast<int64_t>(nodes_.capacity() * sizeof(Node) + edges_.capacity() * sizeof(Edge) +
                              priors_.capacity() * sizeof(float) +
                              actions_.capacity() * sizeof(int16_t));
}

}  // namespace move37
