// The search tree's memory. One tree belongs to one thread.
//
//   nodes    [ node 0: root ][ node 1 ][ node 2 ] ...
//              |  first_move, move_count        |  first_edge, edge_count
//              v                                v
//   actions  [ D5 E5 C3 ... ][ ... ]   edges  [ edge 0 | edge 1 | unused ] ...
//   priors   [ .3 .1 .0 ... ][ ... ]            edge i belongs to move i of the node
//
// A node's moves are all its legal actions. The first edge_count of them have been visited and
// own an edge; a first visit swaps its move to the front. Most nodes are leaves that never get an
// edge, so a node costs 6 bytes a legal move and 24 bytes a visited one. Edge blocks double when
// full; outgrown blocks are used again.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace move37 {

enum class Status : uint8_t {
  kNew,       // created by a selection that is about to say what it is
  kPending,   // waits for the evaluator
  kExpanded,  // has priors and a value
  kTerminal,  // the game is over here; the value is exact
};

struct Node {
  int32_t first_move = 0;
  int32_t first_edge = 0;
  int16_t move_count = 0;
  int16_t edge_count = 0;
  int16_t edge_capacity = 0;
  Status status = Status::kNew;
  uint8_t to_move = 0;
  int32_t visits = 0;
  float value = 0;  // the evaluator's, or the exact outcome; the first player's view
};

struct Edge {
  double value_sum = 0;  // of the finished visits; the view of the player who moves
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
  float& prior(const Node& node, int i) { return priors_[node.first_move + i]; }
  float prior(const Node& node, int i) const { return priors_[node.first_move + i]; }
  int action(const Node& node, int i) const { return actions_[node.first_move + i]; }

  // The index of the move with this action, or -1.
  int find_move(const Node& node, int action) const;

  // Gives a node its legal actions, with priors of zero.
  void set_moves(int node, const uint8_t* legal_mask, int actions);

  // Gives move i (not visited yet) an edge and a new child; returns the edge's index.
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
  std::vector<Edge> edges_;
  std::vector<std::vector<int32_t>> free_blocks_;  // by log2 of the capacity
};

}  // namespace move37
