// Steps of several of gymnasium's Pendulum-v1, with the bits of LeanPendulum.step: Python's operations in Python's order.
//
// Sines and powers are the C library's, as Python's are. The exponent is a number that the compiler does not know,
// because it would replace pow(x, 2) by x * x, which differs for one x in a thousand.

#include <math.h>
#include <cstdint>

struct Constants {
    double gravity, step, max_speed, two;  // gravity: 3 g / (2 l)
    float push, cost, two_float;           // push: 3 / (m l^2)
};

// Python's x % y for y > 0.
static double modulo(double x, double y)
{
    const double rest = fmod(x, y);
    if (rest == 0) return copysign(0.0, y);
    return rest < 0 ? rest + y : rest;
}

// slots: those to step.  states: angle and speed of each slot's pendulum, changed in place.  torques: within bounds.
// obs (slots, 3), rewards (slots): written.
extern "C" __attribute__((visibility("default"))) void step_pendulums(
    int64_t count, const int64_t* slots, double* const* states, const float* torques, const Constants* c, float* obs,
    double* rewards)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t r = slots[i];
        const float torque = torques[r];
        double angle = states[r][0], speed = states[r][1];
        const double wrapped = modulo(angle + M_PI, 2 * M_PI) - M_PI;
        const float effort = c->cost * powf(torque, c->two_float);
        rewards[r] = -(pow(wrapped, c->two) + 0.1 * pow(speed, c->two) + (double)effort);
        const float pushed = c->push * torque;
        speed += (c->gravity * sin(angle) + (double)pushed) * c->step;
        speed = c->max_speed < speed ? c->max_speed : (-c->max_speed > speed ? -c->max_speed : speed);
        angle += speed * c->step;
        states[r][0] = angle, states[r][1] = speed;
        obs[3 * r] = (float)cos(angle), obs[3 * r + 1] = (float)sin(angle), obs[3 * r + 2] = (float)speed;
    }
}
