#pragma once
#include <string>
#include <vector>

namespace kontor::bench {

/// Repeated measurements of one figure.
class Sample {
 public:
  void add(double value) { values_.push_back(value); }
  bool empty() const { return values_.empty(); }
  double median() const;
  double min() const;
  double max() const;
  const std::vector<double>& values() const { return values_; }

  /// "412,000 (398,000-431,000)".
  std::string text(int digits) const;

 private:
  std::vector<double> values_;
};

/// The ratios of measurements that were taken beside each other, pair by pair: the machine's mood cancels out.
Sample ratios(const Sample& of, const Sample& to);

}  // namespace kontor::bench
