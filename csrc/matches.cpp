#include "matches.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

namespace move37 {

Matches::Matches(const Game& game, const std::vector<SearchSettings>& seats, int parallel_games,
                 const MatchOptions& options, uint64_t seed)
    : game_(&game), seats_(seats), options_(options), seed_(seed), games_(parallel_games) {
  if (seats.empty() || seats.size() > 2) throw std::invalid_argument("a match has one or two seats");
  for (const SearchSettings& seat : seats) caches_.push_back(make_cache(game, seat.cache_mib));
}

void Matches::add(GameLog log) { queue_.push_back(std::move(log)); }

int Matches::seat_to_move(const Running& game) const {
  if (seats_.size() == 1) return 0;
  return game.log.first_seat ^ game_->to_move(game.state.data());
}

Search& Matches::search_of(Running& game) const {
  const Seat& seat = game.seats[seat_to_move(game)];
  return game.full_move ? *seat.full : *seat.quick;
}

bool Matches::start_next(Running& game) {
  if (queue_.empty()) return false;
  game.log = std::move(queue_.front());
  queue_.pop_front();
  game.state = game.log.start;
  game.log.movers.clear();
  for (const int16_t action : game.log.actions) {
    game.log.movers.push_back(static_cast<uint8_t>(game_->to_move(game.state.data())));
    game_->play(game.state.data(), action);
  }
  game.active = true;
  Rng of_game(seed_ * 0x9E3779B97F4A7C15ull + game.log.id);
  game.plays_on = of_game.uniform() < options_.play_on_share;
  game.rng = Rng(of_game.next() + game.log.actions.size());
  for (size_t seat = 0; seat < seats_.size(); ++seat) {
    const auto new_search = [&](const SearchSettings& settings) {
      auto search = std::make_unique<Search>(*game_, settings, game.rng.next(), caches_[seat]);
      search->set_root(game.state.data());
      return search;
    };
    game.seats[seat].full = new_search(seats_[seat]);
    if (options_.full_share < 1) game.seats[seat].quick = new_search(options_.quick);
  }
  draw_cap(game);
  return true;
}

// Playout cap randomisation: Wu 2019, section 3.1. Most moves are found by a quick search, so
// that more games are finished; few get the full one that makes a policy target.
void Matches::draw_cap(Running& game) const {
  game.full_move = options_.full_share >= 1 || game.rng.uniform() < options_.full_share;
}

// Plays every move that is decided, until a search needs its evaluator or no game is left.
void Matches::play_on(Running& game) {
  while (game.active || start_next(game)) {
    if (game_->over(game.state.data())) {
      finish(game);
      continue;
    }
    Search& search = search_of(game);
    if (!search.done()) return;
    const int action = search.choose(static_cast<int>(game.log.actions.size()));
    record(game, search);
    game.log.actions.push_back(static_cast<int16_t>(action));
    game.log.movers.push_back(static_cast<uint8_t>(game_->to_move(game.state.data())));
    ++moves_played_;
    if (game.log.resigner < 0 && resigns(game)) {
      game.log.resigner = game_->to_move(game.state.data());
      game.log.resigned = !game.plays_on;
    }
    game_->play(game.state.data(), action);
    if (game.log.resigned) {
      finish(game);
      continue;
    }
    for (size_t seat = 0; seat < seats_.size(); ++seat)
      for (Search* each : {game.seats[seat].full.get(), game.seats[seat].quick.get()})
        if (each != nullptr) each->advance(action);
    draw_cap(game);
  }
}

// Writes down what the search says of the position before its move is played.
void Matches::record(Running& game, const Search& search) const {
  game.log.root_values.push_back(search.root_value());
  game.log.full.push_back(game.full_move);
  if (!options_.record_policies) return;
  const size_t row = game.log.policies.size();
  game.log.policies.resize(row + game_->actions, 0.0f);
  double surprise = 0;
  for (const MoveStats& move : search.moves()) {
    if (game.full_move) game.log.policies[row + move.action] = move.policy;
    if (move.policy > 0) surprise += move.policy * std::log(move.policy / std::max(move.prior, 1e-30f));
  }
  game.log.surprises.push_back(static_cast<float>(surprise));
}

// Whether the last searches, of both sides, agree that the player to move has lost.
bool Matches::resigns(const Running& game) const {
  const std::vector<float>& values = game.log.root_values;
  const size_t moves = options_.resign_moves;
  const float sign = game_->to_move(game.state.data()) == 0 ? 1.0f : -1.0f;
  return values.size() >= moves && std::all_of(values.end() - moves, values.end(), [&](float value) {
           return sign * value < options_.resign_below;
         });
}

void Matches::finish(Running& game) {
  if (game.log.resigned) {
    game.log.outcome = game.log.resigner == 0 ? -1.0f : 1.0f;
  } else {
    game.log.outcome = game_->outcome(game.state.data());
    if (game_->score != nullptr) {
      game.log.ownership.resize(game_->area());
      game.log.score = game_->score(game.state.data(), game.log.ownership.data());
    }
  }
  finished_.push_back(std::move(game.log));
  game.active = false;
}

int Matches::fill(int evaluator, Batch& batch) {
  waiting_[evaluator].clear();
  for (Running& game : games_) {
    const int before = batch.size;
    const size_t finished = finished_.size();
    // The cache may answer all, so a game plays on until it has a row, but ends once at most.
    while (batch.size == before && batch.size < batch.capacity && finished_.size() == finished) {
      play_on(game);
      if (!game.active || seat_to_move(game) != evaluator) break;
      Search& search = search_of(game);
      search.collect(batch);
      if (batch.size > before)
        waiting_[evaluator].push_back({&search, batch.size - before});
      else if (!search.done())
        break;
    }
  }
  return batch.size;
}

void Matches::absorb(int evaluator, const float* logits, const float* values,
                     const float* scores) {
  const std::vector<Waiting> asked = std::move(waiting_[evaluator]);
  waiting_[evaluator].clear();
  int row = 0;
  for (const Waiting& waiting : asked) {
    waiting.search->absorb(logits + static_cast<int64_t>(row) * game_->actions, values + row,
                           scores == nullptr ? nullptr : scores + row);
    row += waiting.rows;
    evaluations_ += waiting.rows;
  }
}

void Matches::clear_caches() {
  for (const auto& cache : caches_)
    if (cache) cache->clear();
}

int64_t Matches::cache_hits() const {
  int64_t hits = 0;
  for (const auto& cache : caches_) hits += cache ? cache->hits() : 0;
  return hits;
}

int Matches::waiting_rows(int evaluator) const {
  int rows = 0;
  for (const Waiting& waiting : waiting_[evaluator]) rows += waiting.rows;
  return rows;
}

std::vector<GameLog> Matches::take_finished() {
  std::vector<GameLog> taken;
  taken.swap(finished_);
  return taken;
}

std::vector<GameLog> Matches::take_unfinished() {
  std::vector<GameLog> taken;
  for (Running& game : games_) {
    if (game.active) taken.push_back(std::move(game.log));
    game.active = false;
  }
  std::move(queue_.begin(), queue_.end(), std::back_inserter(taken));
  queue_.clear();
  for (auto& waiting : waiting_) waiting.clear();
  return taken;
}

int Matches::active_games() const {
  int active = static_cast<int>(queue_.size());
  for (const Running& game : games_) active += game.active;
  return active;
}

int64_t Matches::bytes() const {
  int64_t bytes = 0;
  for (const Running& game : games_)
    for (const Seat& seat : game.seats)
      for (const Search* search : {seat.full.get(), seat.quick.get()})
        bytes += search != nullptr ? search->bytes() : 0;
  return bytes;
}

int Matches::capacity() const {
  int leaves = options_.full_share < 1 ? options_.quick.leaves_per_batch : 1;
  for (const SearchSettings& seat : seats_) leaves = std::max(leaves, seat.leaves_per_batch);
  return leaves * static_cast<int>(games_.size());
}

}  // namespace move37
