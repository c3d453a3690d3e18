/* How one chance of breaking a budget is divided among everything that is ever approved: the first routing, every further one that a reopened
   batch makes necessary, and looks of the watch; and among the checks that may open a batch. */
#ifndef KT_ALGO_SPEND_H
#define KT_ALGO_SPEND_H

/* The whole, delta, in (0, 1), is kept by giving every routing, however many there will be, the same chance `round` (all its cells together),
   its checks as much again, and all looks together `looks`, their checks as much again, where round + looks = delta (1 - 2 round):

     with chance >= 1 - delta every batch ever approved is within its budget, and
     with chance >= 1 - delta no batch that is within its budget is ever opened again.

   A routing after the first happens only when a batch was opened; a batch is opened only when it is over its budget (chance: the part of
   who approved it) or when its interval fails (chance: the part of its checks). So with R routings in all, E[R] <= 1 + 2 round E[R] +
   2 looks, E[R] <= (1 + 2 looks) / (1 - 2 round), and the expected number of batches over their budget, round E[R] + looks, is at most
   (round + looks) / (1 - 2 round) = delta; that of good batches opened is the same. Every part has to hold given all that
   happened before, which new random samples make sure of. The first routing loses 2 delta / (1 + 2 delta) of its chance by this, a
   tenth where delta is 0.05, whereas parts that add up to delta without end would take far more from it or leave little to the later
   ones. */

/* What a routing may use when the looks are given `looks`. */
double kt_spend_round(double delta, double looks);
/* What is left to the looks when a routing was given `round`; 0 where nothing is. */
double kt_spend_looks(double delta, double round);
/* As much for one routing as for all looks. */
double kt_spend_half(double delta);

/* Conformal selection promises a mean: the share of wrong ones in a batch is at most q on average over the draws, so of single batches many are over it,
   and the checks may prove that of one. Opening it replaces its share, over q, by that of a new selection, at most q on average: the mean
   falls. Only a good batch opened by mistake (chance at most `checks`) may raise it, by at most q: selecting at q (1 - checks) keeps the mean of
   what stands in the end at q. */
double kt_spend_mean(double q, double checks);

#endif
