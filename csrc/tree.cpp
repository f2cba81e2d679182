#include "tree.h"

#include <algorithm>

#include "vector.h"

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
  q_.clear();
  n_.clear();
  free_blocks_.clear();
}

int Tree::find_move(const Node& node, int action) const {
  const int16_t* first = actions(node);
  for (int i = 0; i < node.move_count; ++i)
    if (first[i] == action) return i;
  return -1;
}

void Tree::set_moves(int index, const uint8_t* legal_mask, int actions, int count) {
  Node& node = nodes_[index];
  const size_t first = actions_.size();
  if (count == actions) {
    for (int action = static_cast<int>(all_actions_.size()); action < actions; ++action)
      all_actions_.push_back(static_cast<int16_t>(action));
    actions_.insert(actions_.end(), all_actions_.begin(), all_actions_.begin() + actions);
  } else {
    actions_.resize(first + actions);
    int16_t* next = actions_.data() + first;
    for (int action = 0; action < actions; ++action) {
      *next = static_cast<int16_t>(action);
      next += legal_mask[action] != 0;
    }
    actions_.resize(first + count);
  }
  priors_.resize(first + count);
  node.first_move = static_cast<int32_t>(first);
  node.move_count = static_cast<int16_t>(count);
}

void Tree::prepare(int index) {
  Node& node = nodes_[index];
  softmax(priors(node), node.move_count);
  sort_moves(node);
  node.prepared = true;
}

void Tree::sort_moves(const Node& node) {
  float* prior = priors(node) + node.edge_count;
  int16_t* action = actions(node) + node.edge_count;
  const int count = node.move_count - node.edge_count;
  const auto before = [](const std::pair<float, int16_t>& a, const std::pair<float, int16_t>& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  bool sorted = true;  // they are in the order of their actions, so equal priors need no swap
  for (int i = 1; i < count; ++i) sorted &= prior[i] <= prior[i - 1];
  if (sorted && node.edge_count == 0) return;
  std::vector<std::pair<float, int16_t>> moves(count);
  for (int i = 0; i < count; ++i) moves[i] = {prior[i], action[i]};
  std::sort(moves.begin(), moves.end(), before);
  for (int i = 0; i < count; ++i) {
    prior[i] = moves[i].first;
    action[i] = moves[i].second;
  }
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
  q_.resize(edges_.size());
  n_.resize(edges_.size());
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
    std::copy_n(q_.begin() + node.first_edge, node.edge_count, q_.begin() + block);
    std::copy_n(n_.begin() + node.first_edge, node.edge_count, n_.begin() + block);
    if (node.edge_capacity > 0) {
      const size_t size_class = log2_of(node.edge_capacity);
      if (free_blocks_.size() <= size_class) free_blocks_.resize(size_class + 1);
      free_blocks_[size_class].push_back(node.first_edge);
    }
    node.first_edge = block;
    node.edge_capacity = static_cast<uint16_t>(capacity);
  }
  const int edge = node.edge_count++;
  std::rotate(actions(node) + edge, actions(node) + i, actions(node) + i + 1);
  std::rotate(priors(node) + edge, priors(node) + i, priors(node) + i + 1);
  node.tried_prior += priors(node)[edge];
  ++node.fresh_edges;
  this->edge(node, edge).node = child;
  q(node)[edge] = 0;
  n(node)[edge] = 0;
  return edge;
}

void Tree::keep_below(int edge) {
  Tree kept;
  kept.nodes_[kRoot] = node(this->edge(node(kRoot), edge).node);
  // The copies stand in breadth-first order: each still points into the old tree until its turn.
  for (int i = 0; i < kept.size(); ++i) {
    Node copy = kept.nodes_[i];
    const int moves = static_cast<int>(kept.actions_.size());
    kept.actions_.insert(kept.actions_.end(), actions(copy), actions(copy) + copy.move_count);
    kept.priors_.insert(kept.priors_.end(), priors(copy), priors(copy) + copy.move_count);
    const int block = copy.edge_capacity > 0 ? kept.allocate_edges(copy.edge_capacity) : 0;
    std::copy_n(q(copy), copy.edge_count, kept.q_.begin() + block);
    std::copy_n(n(copy), copy.edge_count, kept.n_.begin() + block);
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
                              (priors_.capacity() + q_.capacity() + n_.capacity()) * sizeof(float) +
                              actions_.capacity() * sizeof(int16_t));
}

}  // namespace move37
