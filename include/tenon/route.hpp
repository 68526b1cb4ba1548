// What a route is made of: its policy, its handler, and what a handler reads and returns.
#pragma once

#include "base/json_string.hpp"
#include "base/problem.hpp"
#include "base/result.hpp"
#include "encoding/json.hpp"
#include "encoding/object_reader.hpp"
#include "http/message.hpp"
#include "service/route.hpp"
#include "writes/operation.hpp"
