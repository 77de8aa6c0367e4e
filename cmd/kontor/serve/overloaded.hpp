#pragma once

namespace kontor::cmd::serve {

/// A visitor of a variant, made of one function for each alternative.
template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace kontor::cmd::serve
