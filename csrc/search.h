// One search: a tree, its root position and the rules of selection.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "cache.h"
#include "game.h"
#include "rng.h"
#include "tree.h"

namespace move37 {

enum class RootPolicy { kPuct, kGumbel };

// Each field is explained, with its range, in mcts/settings.py.
struct SearchSettings {
  int visits = 200;
  RootPolicy root_policy = RootPolicy::kPuct;
  float c_puct = 1.25f;
  float c_puct_base = 19652.0f;
  float fpu_reduction = 0.2f;
  float virtual_loss = 0.5f;
  int leaves_per_batch = 1;
  float noise_fraction = 0.0f;
  float noise_total = 10.0f;
  float root_policy_temperature = 1.0f;
  float temperature = 0.0f;
  int temperature_moves = 0;
  int gumbel_considered = 16;
  float gumbel_scale = 1.0f;
  float gumbel_c_visit = 50.0f;
  float gumbel_c_scale = 0.5f;
  float score_weight = 0.0f;
  bool completed_q = false;
  float forced_playouts = 0.0f;
  float lcb_stdevs = 3.0f;
  bool solve = true;
  bool stop_early = false;
  int memory_mib = 4096;
  int playouts = 0;
  int cache_mib = 32;
  bool random_symmetry = false;
  bool reuse_tree = true;
};

// What a finished search says about one legal move of the root, in the mover's view.
struct MoveStats {
  int action;
  int visits;
  float prior;   // as the evaluator gave it, before noise
  float value;   // mean of the visits, or the proven result; the root's estimate if unvisited
  float score;   // mean margin in points of the visits; the root's estimate if unvisited
  float error;   // standard error of the mean utility; 0 when proven or with less than two visits
  float lcb;     // lower confidence bound of the utility, itself when proven; else -infinity with
                 // less than two visits
  float policy;  // the improved policy: shares of the visits, or the softmax of completed Q
  bool ruled_out;  // by a proof: it loses, or another move is better
};

// From the first player's view to the view of the side to move, or back.
inline float mover_view(int to_move, float value) { return to_move == 0 ? value : -value; }

class Search {
 public:
  // Searches that share an evaluator and a thread can share its cache (null: none is kept).
  Search(const Game& game, const SearchSettings& settings, uint64_t seed,
         std::shared_ptr<EvaluationCache> cache = nullptr);

  // Starts from a position, forgetting the tree. With a mask [actions] only the moves that it
  // allows (1) are searched at this root; throws std::invalid_argument when none of them is legal.
  void set_root(const uint8_t* state, const uint8_t* allowed = nullptr);

  // Follows a move actually played; keeps the subtree below it when the settings say so.
  void advance(int action);

  // Selects up to settings.leaves_per_batch leaves and appends the inputs of those that the cache
  // does not know to the batch. Visits that end in a finished game, and all with settings.playouts,
  // need no evaluator and are backed up at once. Returns how many rows now wait for `absorb`; it may
  // be 0 before the search is done.
  int collect(Batch& batch);

  // Expands the leaves of the last `collect` and backs their values up.
  // logits [rows, actions], any real numbers; values [rows], in [-1, 1], and scores [rows],
  // in points (null: unknown, 0), in the side to move's view. Throws std::runtime_error when one
  // is not finite; the leaves are then given back.
  void absorb(const float* logits, const float* values, const float* scores);

  // Gives the leaves of the last `collect` back unevaluated (a cancelled search).
  void cancel();

  // Runs to the end with uniform priors and value 0, encoding each leaf as a real search does.
  void run_uniform();

  // Whether the visits are done, the root is solved, no memory is left, or (settings.stop_early)
  // the most visited move can no longer change.
  bool done() const;
  bool solved() const { return tree_.node(Tree::kRoot).solved(); }
  int root_visits() const { return tree_.node(Tree::kRoot).visits; }

  // The root's value after search and as the evaluator gave it; the first player's view.
  float root_value() const;
  float root_evaluation() const { return tree_.node(Tree::kRoot).value; }

  // The root's expected margin in points after the search; the first player's view.
  float root_score() const;

  // The moves of the root, those ruled out last: before them by visits, but with
  // settings.lcb_stdevs (PUCT) the one with the largest bound comes first.
  std::vector<MoveStats> moves() const;

  // The move to play: the first of moves() (PUCT) or by Gumbel's rule; sampled by visits with
  // settings.temperature while fewer than temperature_moves moves have been played.
  int choose(int moves_played);

  // The most visited line from an action of the root, and the visits of each of its moves. Replies
  // that a proof rules out are passed over.
  std::vector<int> principal_variation(int action, std::vector<int>* visits = nullptr) const;

  const uint8_t* root_state() const { return root_state_.data(); }
  const Game& game() const { return *game_; }
  int leaf_count() const { return leaf_count_; }  // selected, not yet backed up
  int rows() const { return rows_; }              // those of them that the evaluator must answer
  int64_t cache_hits() const { return cache_ ? cache_->hits() : 0; }
  int64_t bytes() const { return tree_.bytes(); }
  const Tree& tree() const { return tree_; }

 private:
  struct Step {
    int32_t node;
    int32_t edge;
  };
  struct Leaf {
    std::vector<Step> path;
    int node = 0;
    int symmetry = 0;
    bool cached = false;  // has its answer already
    uint64_t key = 0;     // in the cache
  };
  enum class Selected { kLeaf, kTerminal, kCollision };

  // search.cpp: a simulation, step by step.
  void forget();
  bool memory_full() const;
  bool settled() const;
  void gather(Batch& batch);
  Selected select(Leaf& leaf);
  int forbid(const uint8_t* allowed);
  int select_puct(int index);
  float exploration(const Node& node) const;
  float utility(float value, float score) const;
  void keep(const Leaf& leaf, const Answer& answer);
  void expand(const Leaf& leaf);
  void expand_by_playouts(const Leaf& leaf);
  void back_up(const Leaf& leaf);
  void give_back(const Leaf& leaf);
  void refresh(const Node& node, int i);
  void recount_tried(Node& node);

  // root.cpp: what differs at the root, and what it says in the end.
  void prepare_root();
  void apply_noise();
  int select_gumbel(int index);
  double gumbel_score(const Node& root, int i, double q, int max_visits) const;
  double edge_value(const Node& node, int i) const;
  double edge_mean(const Node& node, int i, double Edge::*sum) const;
  std::vector<double> completed_q(const Node& root) const;
  std::vector<double> completed_values(const Node& root) const;
  std::vector<double> completed(const Node& root, double Edge::*sum, float evaluation) const;
  float root_prior(const Node& root, int i) const;
  std::vector<double> policy_weights(const Node& root, const std::vector<double>& q,
                                     const std::vector<bool>& out) const;
  std::vector<double> pruned_visits(const Node& root) const;
  int sample(const std::vector<MoveStats>& stats);
  void put_surest_first(std::vector<MoveStats>& stats) const;

  // solver.cpp: proven results.
  void prove(const Leaf& leaf);
  bool update_bounds(Node& node);
  bool proven_loss(const Node& node, int i) const;
  float proven_least(const Node& node) const;
  bool prefers_proven(const Node& root) const;
  std::vector<bool> ruled_out(const Node& root) const;

  const Game* game_;
  SearchSettings settings_;
  Rng rng_;
  std::shared_ptr<EvaluationCache> cache_;
  Tree tree_;
  std::vector<uint8_t> root_state_;
  std::vector<uint8_t> state_;          // the position while selecting
  std::vector<uint8_t> playout_state_;
  std::vector<uint8_t> encode_scratch_;
  std::vector<uint8_t> legal_mask_;
  std::vector<int8_t> ownership_scratch_;
  std::vector<float> logits_scratch_;
  std::vector<float> scores_scratch_;
  std::vector<uint8_t> allowed_;        // at the root, by action; empty allows all
  std::vector<Leaf> leaves_;            // waiting for the evaluator
  int leaf_count_ = 0;
  int rows_ = 0;                        // leaves that are not cached
  bool root_prepared_ = false;
  float score_centre_ = 0;              // the lead that score utility is measured from
  std::vector<float> root_prior_;       // by action, before noise
  std::vector<float> root_gumbel_;      // by action
  std::vector<int> considered_visits_;  // Gumbel's schedule: visits of the move to try, by visit
};

// The visit count that a move must have to be considered at each simulation of sequential
// halving: Karnin et al. 2013, as used by Danihelka et al. 2022, Algorithm 2.
std::vector<int> considered_visits_schedule(int considered, int simulations);

}  // namespace move37
