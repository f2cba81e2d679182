// The search tree's memory. One tree belongs to one thread.
//
//   nodes    [ node 0: root ][ node 1 ][ node 2 ] ...
//              |  first_move, move_count        |  first_edge, edge_count
//              v                                v
//   actions  [ D5 E5 C3 ... ][ ... ]   edges  [ edge 0 | edge 1 | unused ] ...
//   priors   [ .3 .1 .0 ... ][ ... ]   scores [ q, n   | q, n   |        ] ...
//                                              edge i belongs to move i of the node
//
// A node's moves are all its legal actions. The first edge_count of them have been visited and
// own an edge. Most nodes are leaves that are never visited again: until a node's second visit
// its `priors` hold the evaluator's logits; then `prepare` makes them a distribution and sorts the
// moves by it, so that the next move to try is always the first one without an edge.
//
// What selection reads of every edge lies apart, in two arrays of floats (`q`, `n`), so that
// the PUCT scores of a node are computed by vector instructions.
//
// A node costs 56 bytes, 6 a legal move and 48 a visited one. Edge blocks double when full;
// outgrown blocks are used again.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace move37 {

enum class Status : uint8_t {
  kNew,       // created by a selection that is about to say what it is
  kPending,   // waits for the evaluator
  kExpanded,  // has a value and its moves have logits
  kTerminal,  // the game is over here; the value is exact
};

// Values and scores are the first player's, of one position or summed over visits.
struct Node {
  double utility_sum = 0;  // of the finished visits, its own evaluation included
  int32_t first_move = 0;
  int32_t first_edge = 0;
  int16_t move_count = 0;
  int16_t edge_count = 0;
  uint16_t edge_capacity = 0;
  int16_t fresh_edges = 0;  // edges without a finished visit
  Status status = Status::kNew;
  bool prepared = false;  // the priors are a distribution, the moves without an edge sorted by it
  uint8_t to_move = 0;
  int8_t lower = -1;  // what is proven: the outcome lies between these bounds
  int8_t upper = 1;
  int32_t visits = 0;
  int32_t in_flight = 0;   // visits selected through it but not yet backed up
  float tried_prior = 0;   // the priors of the moves with a visit, be it in flight
  float value = 0;         // the evaluator's, or the exact outcome
  float score = 0;         // the evaluator's, or the exact margin

  bool solved() const { return lower == upper; }
};

// Sums are over the finished visits, in the view of the player who moves.
struct Edge {
  double utility_sum = 0;
  double value_sum = 0;
  double score_sum = 0;
  float square_sum = 0;   // of the utilities
  int32_t visits = 0;
  int32_t in_flight = 0;  // visits selected but not yet backed up
  int32_t node = 0;
};

class Tree {
 public:
  static constexpr int kRoot = 0;

  Tree() { clear(); }

  void clear();

  Node& node(int index) { return nodes_[index]; }
  const Node& node(int index) const { return nodes_[index]; }
  Edge& edge(const Node& node, int i) { return edges_[node.first_edge + i]; }
  const Edge& edge(const Node& node, int i) const { return edges_[node.first_edge + i]; }
  float* priors(const Node& node) { return priors_.data() + node.first_move; }
  const float* priors(const Node& node) const { return priors_.data() + node.first_move; }
  int16_t* actions(const Node& node) { return actions_.data() + node.first_move; }
  const int16_t* actions(const Node& node) const { return actions_.data() + node.first_move; }

  // What selection reads of each edge: its mean utility (0 without a finished visit, -infinity when
  // it is proven, since more visits say nothing new), and its visits with those in flight.
  float* q(const Node& node) { return q_.data() + node.first_edge; }
  const float* q(const Node& node) const { return q_.data() + node.first_edge; }
  float* n(const Node& node) { return n_.data() + node.first_edge; }
  const float* n(const Node& node) const { return n_.data() + node.first_edge; }

  // The index of the move with this action, or -1.
  int find_move(const Node& node, int action) const;

  // Gives a node its legal actions, `count` of them.
  void set_moves(int node, const uint8_t* legal_mask, int actions, int count);

  // Softmax over the logits of an expanded node, and the moves sorted by it.
  void prepare(int node);

  // Sorts the moves without an edge by their priors, the largest first, then by action.
  void sort_moves(const Node& node);

  // Gives move i (not visited yet) an edge and a new child; returns the edge's index. The moves
  // without an edge stay sorted.
  int add_edge(int node, int i);

  // Makes the child behind edge i the root and forgets everything that is not below it.
  void keep_below(int edge);

  int64_t bytes() const;
  int size() const { return static_cast<int>(nodes_.size()); }

 private:
  int allocate_edges(int capacity);

  std::vector<Node> nodes_;
  std::vector<float> priors_;
  std::vector<int16_t> actions_;
  std::vector<int16_t> all_actions_;  // 0, 1, 2 ...
  std::vector<Edge> edges_;
  std::vector<float> q_;
  std::vector<float> n_;
  std::vector<std::vector<int32_t>> free_blocks_;  // by log2 of the capacity
};

}  // namespace move37
