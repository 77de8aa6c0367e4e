#pragma once
#include <string>

#include <boost/json/value.hpp>

namespace kontor::cmd {

/// `value` as one line of JSON. Unlike boost::json::serialize, which writes each fraction with an exponent (4.2E0), for
/// people and simple tools too: 4.2.
std::string json_text(const boost::json::value& value);

}  // namespace kontor::cmd
