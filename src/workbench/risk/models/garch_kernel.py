"""Compiled GARCH(1,1) and GJR(1,1,1) likelihood with its analytic score, and a BFGS search over it.

The natural parameters are always the seven ``mu, omega, alpha, gamma, beta, nu, skew``; those a specification does
not use stay at their neutral value and out of `free`. The search runs in an unconstrained space (see `to_natural`)
that keeps ``omega > 0``, both news coefficients and beta non-negative and the persistence below one.

References
----------
Glosten, Jagannathan and Runkle (1993), Journal of Finance 48; Hansen (1994); Nocedal and Wright (2006), ch. 6;
Fiorentini, Calzolari and Panattoni (1996), Journal of Applied Econometrics 11, for the analytic score.
"""

import math

import numpy as np
from numpy.typing import NDArray

from workbench.domain.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MU, OMEGA, ALPHA, GAMMA, BETA, NU, SKEW = range(7)
MAX_PERSISTENCE = 1 - 1e-7
MIN_NU = 2.05  # the lower bound of the reference implementation; below 2 there is no variance
MAX_LOG_NU = 6.2  # nu up to about 495: beyond, the t is a normal and the likelihood is flat
SMALL_SLOPE = 0.05  # at a flat end of the search the likelihood cannot gain more than about 1e-4
FLUSH = 8  # logarithms are taken of products of eight terms: an eighth of the calls, far from overflow


@compiled
def skewed_t_shape(nu: float, skew: float) -> tuple[float, float, float]:
    """Log constant of the density, and Hansen's `a` and `b`."""
    log_c = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(math.pi * (nu - 2))
    a = 4 * skew * math.exp(log_c) * (nu - 2) / (nu - 1)
    b = math.sqrt(1 + 3 * skew * skew - a * a)
    return log_c + math.log(b), a, b


@compiled
def variance_path(natural: Floats, returns: Floats, backcast: float) -> Floats:
    """Conditional variances, shape (days + 1,): row t uses returns before t, the last row is tomorrow's."""
    mu, omega, alpha, gamma, beta = natural[0], natural[1], natural[2], natural[3], natural[4]
    variance = np.empty(returns.size + 1)
    h = omega + (alpha + 0.5 * gamma + beta) * backcast
    variance[0] = h
    for t in range(returns.size):
        e = returns[t] - mu
        news = alpha + gamma if e < 0 else alpha
        h = omega + news * e * e + beta * h
        variance[t + 1] = h
    return variance


@compiled
def start_variance(mu: float, returns: Floats, backcast: float) -> tuple[float, float]:
    """Variance before the first day and its derivative in mu; a negative `backcast` asks for mean (r − mu)²."""
    if backcast >= 0:
        return backcast, 0.0
    square, linear = 0.0, 0.0
    for t in range(returns.size):
        e = returns[t] - mu
        square += e * e
        linear += e
    return square / returns.size, -2.0 * linear / returns.size


@compiled
def normal_score(natural: Floats, returns: Floats, backcast: float, score: Floats) -> float:
    """Negative log-likelihood under normal innovations; fills the score in natural parameters."""
    mu, omega, alpha, gamma, beta = natural[0], natural[1], natural[2], natural[3], natural[4]
    before, d_before = start_variance(mu, returns, backcast)
    persistence = alpha + 0.5 * gamma + beta
    h = omega + persistence * before
    d_mu, d_omega, d_alpha, d_gamma, d_beta = persistence * d_before, 1.0, before, 0.5 * before, before
    total, product = 0.0, 1.0
    g_mu, g_omega, g_alpha, g_gamma, g_beta = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(returns.size):
        e = returns[t] - mu
        e2 = e * e
        inverse = 1.0 / h
        ratio = e2 * inverse
        total += 0.5 * ratio
        product *= h
        if t % FLUSH == FLUSH - 1:
            total += 0.5 * math.log(product)
            product = 1.0
        by_h = 0.5 * inverse * (1.0 - ratio)
        g_mu += by_h * d_mu - e * inverse
        g_omega += by_h * d_omega
        g_alpha += by_h * d_alpha
        g_gamma += by_h * d_gamma
        g_beta += by_h * d_beta
        below = 1.0 if e < 0 else 0.0
        news = alpha + gamma * below
        d_mu = beta * d_mu - 2.0 * news * e
        d_omega = beta * d_omega + 1.0
        d_alpha = beta * d_alpha + e2
        d_gamma = beta * d_gamma + e2 * below
        d_beta = beta * d_beta + h
        h = omega + news * e2 + beta * h
    score[0], score[1], score[2], score[3], score[4] = g_mu, g_omega, g_alpha, g_gamma, g_beta
    score[5], score[6] = 0.0, 0.0
    return total + 0.5 * math.log(product) + 0.5 * returns.size * math.log(2 * math.pi)


@compiled
def shape_slopes(nu: float, skew: float) -> tuple[float, float, float, float, float, float]:
    """Central differences of (log constant, a, b) in nu and in skew: scalars, so exact to about 1e-9."""
    step_nu, step_skew = 1e-4 * (nu - 2.0), 1e-5
    up, down = skewed_t_shape(nu + step_nu, skew), skewed_t_shape(nu - step_nu, skew)
    right, left = skewed_t_shape(nu, skew + step_skew), skewed_t_shape(nu, skew - step_skew)
    return (
        (up[0] - down[0]) / (2 * step_nu),
        (up[1] - down[1]) / (2 * step_nu),
        (up[2] - down[2]) / (2 * step_nu),
        (right[0] - left[0]) / (2 * step_skew),
        (right[1] - left[1]) / (2 * step_skew),
        (right[2] - left[2]) / (2 * step_skew),
    )


@compiled
def skewed_t_terms(returns: Floats, natural: Floats, variance: Floats, terms: Floats, sums: Floats) -> float:
    """Density part of the likelihood on a given variance path.

    Fills `terms` (2, days) with the derivative by the return and by the variance, and `sums` with the sums that the
    derivatives in nu and skew need. Returns the negative log-likelihood.
    """
    mu, nu, skew = natural[0], natural[5], natural[6]
    log_c, a, b = skewed_t_shape(nu, skew)
    dc_nu, da_nu, db_nu, dc_skew, da_skew, db_skew = shape_slopes(nu, skew)
    product_h, product_q, log_h, log_q = 1.0, 1.0, 0.0, 0.0
    tail, by_nu, by_skew = 0.0, 0.0, 0.0
    left, right, per_q, pull_scale = 1.0 / (1.0 - skew), 1.0 / (1.0 + skew), 1.0 / (nu - 2), (nu + 1) / (nu - 2)
    for t in range(returns.size):
        h = variance[t]
        root = 1.0 / math.sqrt(h)
        z = (returns[t] - mu) * root
        bza = b * z + a
        gain = bza >= 0
        side = right if gain else left
        y = bza * side
        q = y * y * per_q
        product_h *= h
        product_q *= 1.0 + q
        if t % FLUSH == FLUSH - 1:
            log_h += math.log(product_h)
            log_q += math.log(product_q)
            product_h, product_q = 1.0, 1.0
        weight = 1.0 / (1.0 + q)
        pull = pull_scale * y * weight
        tail += q * weight
        pull *= side
        by_nu += pull * (db_nu * z + da_nu)
        by_skew += pull * (db_skew * z + da_skew - (y if gain else -y))
        by_z = pull * b
        terms[0, t] = by_z * root
        terms[1, t] = 0.5 * root * root * (1.0 - by_z * z)
    log_h += math.log(product_h)
    log_q += math.log(product_q)
    sums[0] = -returns.size * dc_nu + 0.5 * log_q - 0.5 * (nu + 1) / (nu - 2) * tail + by_nu
    sums[1] = -returns.size * dc_skew + by_skew
    value: float = 0.5 * log_h + 0.5 * (nu + 1) * log_q - returns.size * log_c
    return value


@compiled
def skewed_t_score(natural: Floats, returns: Floats, backcast: float, score: Floats) -> float:
    """Negative log-likelihood under (skewed) t innovations; fills the score in natural parameters."""
    mu, alpha, gamma, beta = natural[0], natural[2], natural[3], natural[4]
    before, d_before = start_variance(mu, returns, backcast)
    variance = variance_path(natural, returns, before)
    terms, sums = np.empty((2, returns.size)), np.empty(2)
    value = skewed_t_terms(returns, natural, variance, terms, sums)
    persistence = alpha + 0.5 * gamma + beta
    d_mu, d_omega, d_alpha, d_gamma, d_beta = persistence * d_before, 1.0, before, 0.5 * before, before
    score[:] = 0.0
    for t in range(returns.size):
        by_h = terms[1, t]
        score[0] += by_h * d_mu - terms[0, t]
        score[1] += by_h * d_omega
        score[2] += by_h * d_alpha
        score[3] += by_h * d_gamma
        score[4] += by_h * d_beta
        e = returns[t] - mu
        e2 = e * e
        below = 1.0 if e < 0 else 0.0
        d_mu = beta * d_mu - 2.0 * (alpha + gamma * below) * e
        d_omega = beta * d_omega + 1.0
        d_alpha = beta * d_alpha + e2
        d_gamma = beta * d_gamma + e2 * below
        d_beta = beta * d_beta + variance[t]
    score[5], score[6] = sums[0], sums[1]
    return value


@compiled
def to_natural(x: Floats, asymmetric: bool) -> Floats:
    """Unconstrained vector to natural parameters.

    x = (mu, log omega, logit of persistence, logit of the news share of it, logit of alpha in the news, log(nu − 2.05),
    artanh of skew).
    """
    persistence = MAX_PERSISTENCE / (1.0 + math.exp(-x[2]))
    share = 1.0 / (1.0 + math.exp(-x[3]))
    news = persistence * share
    alpha, gamma = news, 0.0
    if asymmetric:
        part = 1.0 / (1.0 + math.exp(-x[4]))
        alpha = 2.0 * news * part
        gamma = 2.0 * news * (1.0 - 2.0 * part)
    nu = MIN_NU + math.exp(min(x[5], MAX_LOG_NU))
    return np.array([x[0], math.exp(x[1]), alpha, gamma, persistence * (1.0 - share), nu, 0.99 * math.tanh(x[6])])


@compiled
def objective(x: Floats, returns: Floats, backcast: float, spec: Ints, slope: Floats) -> float:
    """Negative log-likelihood at `x`; fills its gradient. `spec` = (asymmetric, 0 normal / 1 t / 2 skewed t)."""
    asymmetric = spec[0] == 1
    natural = to_natural(x, asymmetric)
    score = np.empty(7)
    if spec[1] == 0:
        value = normal_score(natural, returns, backcast, score)
    else:
        value = skewed_t_score(natural, returns, backcast, score)
    news = natural[2] + 0.5 * natural[3]
    beta = natural[4]
    persistence = news + beta
    share = news / persistence
    left = 1.0 - persistence / MAX_PERSISTENCE
    by_news = score[2]
    slope[4] = 0.0
    if asymmetric:
        part = natural[2] / (2.0 * news)
        by_news = 2.0 * part * score[2] + 2.0 * (1.0 - 2.0 * part) * score[3]
        slope[4] = (2.0 * score[2] - 4.0 * score[3]) * news * part * (1.0 - part)
    slope[0] = score[0]
    slope[1] = score[1] * natural[1]
    slope[2] = (by_news * news + score[4] * beta) * left
    slope[3] = (by_news - score[4]) * persistence * share * (1.0 - share)
    slope[5] = score[5] * (natural[5] - MIN_NU) if x[5] < MAX_LOG_NU else 0.0
    slope[6] = score[6] * (0.99 - natural[6] * natural[6] / 0.99)
    return value


@compiled
def line_search(
    x: Floats, value: float, direction: Floats, descent: float, step: float, problem: tuple[Ints, Floats, float, Ints]
) -> tuple[Floats, float, Floats, int, bool]:
    """Backtrack until the Armijo condition holds; returns (point, value, gradient, evaluations, accepted)."""
    free, returns, backcast, spec = problem
    trial, slope = x.copy(), np.empty(7)
    new = value
    for attempt in range(30):
        for i in range(free.size):
            trial[free[i]] = min(max(x[free[i]] + step * direction[i], -30.0), 30.0)
        new = objective(trial, returns, backcast, spec, slope)
        if new <= value + 1e-4 * step * descent:
            return trial, new, slope, attempt + 1, True
        step *= 0.3
    return trial, new, slope, 30, False


@compiled
def update_inverse(inverse: Floats, s: Floats, y: Floats, first: bool) -> Floats:
    """BFGS update of the inverse Hessian (Nocedal and Wright, eq. 6.17, first scaling eq. 6.20)."""
    curvature = np.sum(s * y)
    if curvature <= 1e-12:
        return inverse
    if first:
        inverse = np.eye(s.size) * (curvature / np.sum(y * y))
    by = inverse @ y
    factor = (1.0 + np.sum(y * by) / curvature) / curvature
    return inverse + factor * np.outer(s, s) - (np.outer(by, s) + np.outer(s, by)) / curvature


@compiled
def bfgs(
    start: Floats, free: Ints, returns: Floats, backcast: float, spec: Ints, tolerance: float
) -> tuple[Floats, float, bool, int]:
    """Minimise `objective` over the free entries; returns (x, value, converged, evaluations)."""
    x, slope, value, evaluations = start, np.empty(7), 0.0, 1
    value = objective(x, returns, backcast, spec, slope)
    inverse, first = np.eye(free.size), True
    for _ in range(200):
        g = slope[free]
        if np.max(np.abs(g)) < tolerance:
            return x, value, True, evaluations
        direction = -(inverse @ g)
        descent = np.sum(direction * g)
        if not descent < 0:
            inverse, first = np.eye(free.size), True
            direction, descent = -g, -np.sum(g * g)
        longest = 0.2 if first else 1.0
        step = min(1.0, longest / np.max(np.abs(direction)))
        point, new, new_slope, tries, accepted = line_search(
            x, value, direction, descent, step, (free, returns, backcast, spec)
        )
        evaluations += tries
        if not accepted:
            return x, value, np.max(np.abs(g)) < SMALL_SLOPE, evaluations
        inverse = update_inverse(inverse, point[free] - x[free], new_slope[free] - g, first)
        gain = value - new
        first, x, slope, value = False, point, new_slope, new
        if gain < 1e-10 * (1.0 + abs(value)) and np.max(np.abs(slope[free])) < SMALL_SLOPE:
            return x, value, True, evaluations
    return x, value, False, evaluations
