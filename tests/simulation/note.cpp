#include "tests/simulation/note.hpp"

#include <array>
#include <string_view>

namespace kontor::sim {

std::string words(const Note& note) {
  constexpr std::array<std::string_view, 6> kNames = {"places", "offer", "block", "seal", "whose", "verdict"};
  std::string out(kNames[static_cast<std::size_t>(note.what)]);
  if (note.what == Note::What::verdict) return out + " " + std::string(to_string(note.verdict));
  if (note.what != Note::What::places)
    return out + " of shard " + std::to_string(note.shard) + ", epoch " + std::to_string(note.epoch);
  for (const Place& place : note.places) out += " " + std::to_string(place.member) + "@" + std::to_string(place.epoch);
  return out;
}

}  // namespace kontor::sim
