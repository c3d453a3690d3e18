/* Force-included everywhere: the functions that have cost other projects most are errors here. */
#ifndef KT_BASE_BANNED_H
#define KT_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat vsprintf strtok gets atoi atol atoll sscanf
#pragma GCC poison gmtime localtime ctime asctime rand srand tmpnam mktemp popen strtol strtoul strtoll strtoull

#endif
