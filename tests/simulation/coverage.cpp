#include "tests/simulation/coverage.hpp"

#include <cstdio>
#include <numeric>

namespace kontor::sim {
namespace {

constexpr std::array<const char*, Coverage::kMessages> kMessageNames = {"Prepare", "SiteVotes", "Decisions",
                                                                        "Acknowledge", "Inquire"};
constexpr std::array<const char*, Coverage::kCoordinators> kCoordinatorNames = {"undecided", "committed", "aborted"};
constexpr std::array<const char*, Coverage::kParticipants> kParticipantNames = {"nothing", "prepared", "learned commit",
                                                                                "learned abort"};

std::string name_of(std::size_t message, std::size_t coordinator, std::size_t participant) {
  return std::string(kMessageNames[message]) + ", coordinator " + kCoordinatorNames[coordinator] + ", participant " +
         kParticipantNames[participant];
}

}  // namespace

std::uint64_t Coverage::sum(std::size_t message, std::size_t coordinator, std::size_t participant) const {
  const auto& cells = cells_[message][coordinator][participant];
  return std::accumulate(cells.begin(), cells.end(), std::uint64_t{0});
}

std::string Coverage::as_text() const {
  std::string out = "message met states, and after how many kinds of crash of its receiver\n", never;
  std::size_t hit = 0, all = 0;
  for (std::size_t m = 0; m < kMessages; ++m) {
    for (std::size_t c = 0; c < kCoordinators; ++c) {
      for (std::size_t p = 0; p < kParticipants; ++p) {
        const std::uint64_t times = sum(m, c, p);
        std::size_t crashes = 0;
        for (std::size_t b = 0; b < kFaults; ++b) crashes += cells_[m][c][p][b] > 0 ? 1u : 0u;
        ++all, hit += times > 0 ? 1u : 0u;
        if (times == 0) never += "  " + name_of(m, c, p) + "\n";
        char text[128];
        std::snprintf(text, sizeof text, "  %-60s %12llu  %2zu\n", name_of(m, c, p).c_str(),
                      static_cast<unsigned long long>(times), crashes);
        if (times > 0) out += text;
      }
    }
  }
  return out + std::to_string(hit) + " of " + std::to_string(all) + " cells; never hit:\n" + never;
}

}  // namespace kontor::sim
