// Many games at once, each move chosen by a search, all feeding one batch per evaluator.
//
// Self-play is a match with one seat: the same player moves for both sides. An arena match has
// two seats, each with its own settings and evaluator. The caller's loop is
//
//   for each evaluator: n = fill(evaluator, batch); evaluate the batch; absorb(evaluator, ...)
//
// until `active_games` is 0. One object belongs to one thread; run several for several threads.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "game.h"
#include "rng.h"
#include "search.h"

namespace move37 {

// How games are played and recorded, beyond the search of each seat; explained in mcts/settings.py.
struct MatchOptions {
  bool record_policies = false;
  float full_share = 1;  // playout cap randomisation: moves that get the full search
  SearchSettings quick;  // the search of the other moves
  float resign_below = -1;  // -1 never resigns
  int resign_moves = 1;
  float play_on_share = 0;
};

// A game, as training and ratings need it. The fields of an unfinished one say all that there is
// to know about it, so that it can be given back and played on.
struct GameLog {
  int64_t id = 0;
  int first_seat = 0;  // the seat of the first player
  std::vector<uint8_t> start;
  std::vector<int16_t> actions;
  std::vector<uint8_t> movers;     // the player (0 or 1) of each action
  std::vector<float> root_values;  // after each search, the first player's view
  std::vector<uint8_t> full;       // whether the move had the full search
  std::vector<float> policies;     // [moves, actions], the improved policies, zeros after quick
                                   // searches; empty unless recorded
  std::vector<float> surprises;    // KL divergence of each improved policy from the prior; or empty
  int resigner = -1;               // the player who resigned, or would have; -1 nobody
  bool resigned = false;           // whether that ended the game
  float outcome = 0;               // the first player's view
  float score = 0;
  std::vector<int8_t> ownership;   // [area]; empty when the game has no score
};

class Matches {
 public:
  // One settings record per seat (one or two); seat s asks evaluator s.
  Matches(const Game& game, const std::vector<SearchSettings>& seats, int parallel_games,
          const MatchOptions& options, uint64_t seed);

  // Queues a game: a new one (an id, a start and a seat) or an unfinished one. Its random choices
  // depend on the seed, its id and the move at which it is queued.
  void add(GameLog log);

  // Plays on in every game until each needs its evaluator, and appends leaves of the games that
  // wait for this one. Returns the rows filled; 0 when no game waits for it now.
  int fill(int evaluator, Batch& batch);

  // Answers the last fill: logits [rows, actions], values [rows], scores [rows] or null. On an
  // exception the games stay intact, and the next fill asks again for the leaves not answered.
  void absorb(int evaluator, const float* logits, const float* values, const float* scores);

  // Forgets the cached answers, when an evaluator may have changed.
  void clear_caches();

  bool records_policies() const { return options_.record_policies; }

  // The rows that the next absorb must answer.
  int waiting_rows(int evaluator) const;

  // The games finished since the last call, in the order they finished.
  std::vector<GameLog> take_finished();

  // Takes out all games that are being played or queued; searches not yet done are forgotten.
  std::vector<GameLog> take_unfinished();

  const Game& game() const { return *game_; }
  int seats() const { return static_cast<int>(seats_.size()); }
  int active_games() const;   // being played or queued
  int queued_games() const { return static_cast<int>(queue_.size()); }
  int64_t moves_played() const { return moves_played_; }
  int64_t evaluations() const { return evaluations_; }
  int64_t cache_hits() const;  // evaluations saved so far
  int64_t bytes() const;      // memory of all trees
  int capacity() const;       // the most rows that one fill can need

 private:
  // A seat's searches; both follow the game, one of them chooses the move.
  struct Seat {
    std::unique_ptr<Search> full, quick;
  };
  struct Running {
    bool active = false;
    bool full_move = true;  // whether the move to be chosen gets the full search
    bool plays_on = false;  // whether the game goes on after a resignation
    GameLog log;
    std::vector<uint8_t> state;
    Rng rng{0};
    Seat seats[2];
  };
  struct Waiting {
    Search* search;
    int rows;
  };

  bool start_next(Running& game);
  int seat_to_move(const Running& game) const;
  Search& search_of(Running& game) const;
  void draw_cap(Running& game) const;
  void play_on(Running& game);
  void record(Running& game, const Search& search) const;
  bool resigns(const Running& game) const;
  void finish(Running& game);

  const Game* game_;
  std::vector<SearchSettings> seats_;
  MatchOptions options_;
  std::vector<std::shared_ptr<EvaluationCache>> caches_;  // of each seat's evaluator, or null
  uint64_t seed_;
  std::vector<Running> games_;
  std::deque<GameLog> queue_;
  std::vector<GameLog> finished_;
  std::vector<Waiting> waiting_[2];
  int64_t moves_played_ = 0;
  int64_t evaluations_ = 0;
};

}  // namespace move37
