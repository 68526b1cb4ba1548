// Boost.Beast, compiled once (BOOST_BEAST_SEPARATE_COMPILATION).
#pragma GCC diagnostic ignored "-Wconversion"
#include <boost/beast/src.hpp>
