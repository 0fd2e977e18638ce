/* The one place that holds Clade's version: Meson reads the library's version and soname here. */
#ifndef CLADE_VERSION_H
#define CLADE_VERSION_H

#define CLADE_VERSION_MAJOR 0
#define CLADE_VERSION_MINOR 1
#define CLADE_VERSION_PATCH 0

/* Raised whenever a program built against an older header could misbehave: the soname's number. */
#define CLADE_ABI_VERSION 0

#define CLADE_VERSION_STR_(x) #x
#define CLADE_VERSION_STR(x)  CLADE_VERSION_STR_(x)
#define CLADE_VERSION                                                                              \
    CLADE_VERSION_STR(CLADE_VERSION_MAJOR)                                                         \
    "." CLADE_VERSION_STR(CLADE_VERSION_MINOR) "." CLADE_VERSION_STR(CLADE_VERSION_PATCH)

#endif
