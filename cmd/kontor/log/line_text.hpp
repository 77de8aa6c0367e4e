#pragma once
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "cmd/kontor/log/log.hpp"

namespace kontor::cmd {

/// What a line says after its time and level: `start lanes=2 dir="/my data"`, or as members of a JSON object. One line
/// of well-formed UTF-8 and at most kLogLineBytesMax bytes, whatever the fields hold; fields that do not fit are left
/// out together, and `cut` says so.
std::string line_text(LogFormat format, std::string_view event, const boost::json::object& fields);

}  // namespace kontor::cmd
