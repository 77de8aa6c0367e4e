#include "bench/compare/sample.hpp"

#include <algorithm>

#include "cmd/kontor/figures.hpp"

namespace kontor::bench {

double Sample::median() const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Sample::min() const { return values_.empty() ? 0 : *std::min_element(values_.begin(), values_.end()); }
double Sample::max() const { return values_.empty() ? 0 : *std::max_element(values_.begin(), values_.end()); }

std::string Sample::text(int digits) const {
  if (values_.empty()) return "-";
  return cmd::decimal(median(), digits) + " (" + cmd::decimal(min(), digits) + "-" + cmd::decimal(max(), digits) + ")";
}

Sample ratios(const Sample& of, const Sample& to) {
  Sample all;
  for (std::size_t i = 0; i < std::min(of.values().size(), to.values().size()); ++i)
    if (to.values()[i] > 0) all.add(of.values()[i] / to.values()[i]);
  return all;
}

}  // namespace kontor::bench
