/* karat.h alone: compiled as C11 and as C++ with all warnings, and used so that the initialisers are tried too. */
#include "karat.h"

int main(void)
{
    karat_agree_options a = KARAT_OPTIONS_INIT(karat_agree_options);
    karat_aggregate_options b = KARAT_OPTIONS_INIT(karat_aggregate_options);
    return a.size == sizeof(a) && b.size == sizeof(b) && a.n_set == 0 && b.gold == 0 ? 0 : 1;
}
