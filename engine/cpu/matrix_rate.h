/*
 * matrix_rate - what this machine's matrix product reaches: the yardstick of `reverie bench`.
 */
#ifndef ENGINE_CPU_MATRIX_RATE_H
#define ENGINE_CPU_MATRIX_RATE_H

/* GFLOP/s of OpenBLAS's sgemm on square matrices with that many threads, the best of several runs over about
 * half a second. 0 when there is no memory. OpenBLAS is left at one thread. */
double matrix_rate_gflops(int threads);

#endif
