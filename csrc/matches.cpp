#include "matches.h"

#include <algorithm>
#include <stdexcept>

namespace move37 {

Matches::Matches(const Game& game, const std::vector<SearchSettings>& seats, int parallel_games,
                 bool record_policies, uint64_t seed)
    : game_(&game),
      seats_(seats),
      record_policies_(record_policies),
      seed_(seed),
      games_(parallel_games) {
  if (seats.empty() || seats.size() > 2) throw std::invalid_argument("a match has one or two seats");
}

void Matches::add(int64_t id, const uint8_t* start, int first_seat) {
  GameLog log;
  log.id = id;
  log.first_seat = first_seat;
  log.start.assign(start, start + game_->state_bytes);
  queue_.push_back(std::move(log));
}

int Matches::seat_to_move(const Running& game) const {
  if (seats_.size() == 1) return 0;
  return game.log.first_seat ^ game_->to_move(game.state.data());
}

bool Matches::start_next(Running& game) {
  if (queue_.empty()) return false;
  game.log = std::move(queue_.front());
  queue_.pop_front();
  game.state = game.log.start;
  game.active = true;
  for (size_t seat = 0; seat < seats_.size(); ++seat) {
    const uint64_t seed = seed_ * 0x9E3779B97F4A7C15ull + game.log.id * 2 + seat;
    game.searches[seat] = std::make_unique<Search>(*game_, seats_[seat], seed);
    game.searches[seat]->set_root(game.state.data());
  }
  return true;
}

// Plays every move that is decided, until a search needs its evaluator or no game is left.
void Matches::play_on(Running& game) {
  while (game.active || start_next(game)) {
    if (game_->over(game.state.data())) {
      finish(game);
      continue;
    }
    Search& search = game.of(seat_to_move(game));
    if (!search.done()) return;
    const int action = search.choose(static_cast<int>(game.log.actions.size()));
    game.log.root_values.push_back(search.root_value());
    if (record_policies_) {
      const size_t row = game.log.policies.size();
      game.log.policies.resize(row + game_->actions, 0.0f);
      for (const MoveStats& move : search.moves()) game.log.policies[row + move.action] = move.policy;
    }
    game.log.actions.push_back(static_cast<int16_t>(action));
    ++moves_played_;
    game_->play(game.state.data(), action);
    for (size_t seat = 0; seat < seats_.size(); ++seat) game.searches[seat]->advance(action);
  }
}

void Matches::finish(Running& game) {
  game.log.outcome = game_->outcome(game.state.data());
  if (game_->score != nullptr) {
    game.log.ownership.resize(game_->area());
    game.log.score = game_->score(game.state.data(), game.log.ownership.data());
  }
  finished_.push_back(std::move(game.log));
  game.active = false;
}

int Matches::fill(int evaluator, Batch& batch) {
  waiting_[evaluator].clear();
  for (Running& game : games_) {
    play_on(game);
    if (!game.active || seat_to_move(game) != evaluator) continue;
    const int before = batch.size;
    Search& search = game.of(evaluator);
    search.collect(batch);
    if (batch.size > before) waiting_[evaluator].push_back({&search, batch.size - before});
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

int Matches::active_games() const {
  int active = static_cast<int>(queue_.size());
  for (const Running& game : games_) active += game.active;
  return active;
}

int64_t Matches::bytes() const {
  int64_t bytes = 0;
  for (const Running& game : games_)
    for (const auto& search : game.searches) bytes += search ? search->bytes() : 0;
  return bytes;
}

int Matches::capacity() const {
  int leaves = 1;
  for (const SearchSettings& seat : seats_) leaves = std::max(leaves, seat.leaves_per_batch);
  return leaves * static_cast<int>(games_.size());
}

}  // namespace move37
