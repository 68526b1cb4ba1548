// RFC 9651 Structured Field Values: parser and serializer.
#pragma once

#include "encoding/structured_field.hpp"
