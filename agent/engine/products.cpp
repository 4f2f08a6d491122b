// Products of stacked matrices, slot by slot, for matrices that fit into the nearest caches.
//
// Every element is summed along the inner dimension from its first term to its last, each term added by one fused
// multiply-add. So its bits depend on its own row and column alone: not on the number of slots, nor on their addresses,
// nor on the number of elements that the registers hold at once. As many elements as fit into the registers are summed
// together, some rows by some vectors of columns, so that each number that is loaded is used in many multiplications.

#include <cstdint>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>
#ifdef __FMA__
#include <immintrin.h>
#endif

using Handle = struct AtenTensorOpaque*;

extern "C" {
int32_t aoti_torch_get_data_ptr(Handle, void**);
int32_t aoti_torch_get_sizes(Handle, int64_t**);
int32_t aoti_torch_get_strides(Handle, int64_t**);
int32_t aoti_torch_empty_strided(int64_t, const int64_t*, const int64_t*, int32_t, int32_t, int32_t, Handle*);
int32_t aoti_torch_dtype_float32();
int32_t aoti_torch_device_type_cpu();
}

namespace {

#ifdef __AVX512F__
constexpr int LANES = 16, REGISTERS = 32, MOST_VECTORS = 4;
#else
constexpr int LANES = 8, REGISTERS = 16, MOST_VECTORS = 2;
#endif
constexpr int MOST_ROWS = 8;

typedef float Wide __attribute__((vector_size(4 * LANES)));
typedef float Narrow __attribute__((vector_size(16)));

// a b + c, rounded once. Without intrinsics, a compiler may round twice in some places.
#ifdef __FMA__
inline Narrow multiply_add(Narrow a, Narrow b, Narrow c) { return _mm_fmadd_ps(a, b, c); }
#ifdef __AVX512F__
inline Wide multiply_add(Wide a, Wide b, Wide c) { return _mm512_fmadd_ps(a, b, c); }
#else
inline Wide multiply_add(Wide a, Wide b, Wide c) { return _mm256_fmadd_ps(a, b, c); }
#endif
#else
template <class Vector>
inline Vector multiply_add(Vector a, Vector b, Vector c)
{
    for (size_t i = 0; i < sizeof(Vector) / sizeof(float); i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
}
#endif

template <class Vector>
constexpr int64_t WIDTH = sizeof(Vector) / sizeof(float);

// Unaligned load and store of a vector.
template <class Vector>
inline Vector load(const float* from)
{
    Vector x;
    memcpy(&x, from, sizeof x);
    return x;
}

template <class Vector>
inline void store(const Vector& x, float* to)
{
    memcpy(to, &x, sizeof x);
}

// Some columns of one slot's c = a b, in the rows with indices `places`, plus the bias if there is one. Then negative
// numbers become 0 if relu is set, and elements become 0 where the gate, if there is one, is not positive.
struct Panel {
    const float *a, *b, *bias, *gate;
    float* c;
    const int64_t* places;
    int64_t rows, inner, a_row, a_column, b_row, gate_row, c_row;
    bool relu;

    Panel from_column(int64_t j) const
    {
        Panel p = *this;
        p.b += j, p.c += j;
        if (bias) p.bias += j;
        if (gate) p.gate += j;
        return p;
    }
};

// NaN stays NaN.
template <class Numbers>
inline Numbers finished(Numbers x, const float* gate, bool relu)
{
    if (relu) x = x < 0.0f ? Numbers{} : x;
    if (gate) x = load<Numbers>(gate) <= 0.0f ? Numbers{} : x;
    return x;
}

template <class Vector, int ROWS, int VECTORS>
inline __attribute__((always_inline)) void tile(const Panel& p, int64_t row)
{
    const int64_t* places = p.places + row;
    const float* a[ROWS];
    Vector sum[ROWS][VECTORS];
    for (int i = 0; i < ROWS; i++) {
        a[i] = p.a + places[i] * p.a_row;
        for (int j = 0; j < VECTORS; j++)
            sum[i][j] = p.bias ? load<Vector>(p.bias + WIDTH<Vector> * j) : Vector{};
    }
    for (int64_t k = 0; k < p.inner; k++) {
        Vector right[VECTORS];
        for (int j = 0; j < VECTORS; j++) right[j] = load<Vector>(p.b + k * p.b_row + WIDTH<Vector> * j);
        for (int i = 0; i < ROWS; i++) {
            const Vector left = Vector{} + a[i][k * p.a_column];
            for (int j = 0; j < VECTORS; j++) sum[i][j] = multiply_add(left, right[j], sum[i][j]);
        }
    }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < VECTORS; j++) {
            const float* gate = p.gate ? p.gate + places[i] * p.gate_row + WIDTH<Vector> * j : nullptr;
            store(finished(sum[i][j], gate, p.relu), p.c + places[i] * p.c_row + WIDTH<Vector> * j);
        }
}

// The last `left` rows, at most ROWS.
template <class Vector, int ROWS, int VECTORS>
void last_rows(const Panel& p, int64_t left)
{
    if (left == ROWS)
        tile<Vector, ROWS, VECTORS>(p, p.rows - left);
    else if constexpr (ROWS > 1)
        last_rows<Vector, ROWS - 1, VECTORS>(p, left);
}

template <class Vector, int VECTORS>
void panel(const Panel& p)
{
    constexpr int FREE = (REGISTERS - 1 - VECTORS) / VECTORS, ROWS = FREE < MOST_ROWS ? FREE : MOST_ROWS;
    int64_t row = 0;
    for (; row + ROWS <= p.rows; row += ROWS) tile<Vector, ROWS, VECTORS>(p, row);
    if (row < p.rows) last_rows<Vector, ROWS, VECTORS>(p, p.rows - row);
}

// Whole vectors of columns, starting at column j; returns the first remaining column.
template <int VECTORS>
int64_t whole_vectors(const Panel& p, int64_t j, int64_t columns)
{
    for (; j + VECTORS * LANES <= columns; j += VECTORS * LANES) panel<Wide, VECTORS>(p.from_column(j));
    if constexpr (VECTORS > 1) return whole_vectors<VECTORS - 1>(p, j, columns);
    return j;
}

// The remaining columns, starting at column j, too few for a vector: computed on padded copies.
template <class Vector>
void last_columns(const Panel& p, int64_t j, int64_t left, int64_t all_rows)
{
    constexpr int64_t width = WIDTH<Vector>;
    thread_local std::vector<float> copies;
    copies.assign((p.inner + 1 + all_rows) * width, 0.0f);
    float *b = copies.data(), *bias = b + p.inner * width, *c = bias + width;
    for (int64_t k = 0; k < p.inner; k++) memcpy(b + k * width, p.b + k * p.b_row + j, left * sizeof(float));
    if (p.bias) memcpy(bias, p.bias + j, left * sizeof(float));
    Panel copy = p;
    copy.b = b, copy.b_row = width, copy.bias = p.bias ? bias : nullptr, copy.gate = nullptr;
    copy.c = c, copy.c_row = width;
    panel<Vector, 1>(copy);
    for (int64_t i = 0; i < p.rows; i++)
        for (int64_t n = 0, place = p.places[i]; n < left; n++) {
            const float* gate = p.gate ? p.gate + place * p.gate_row + j + n : nullptr;
            p.c[place * p.c_row + j + n] = finished(c[place * width + n], gate, false);
        }
}

#if __has_builtin(__builtin_shufflevector)
constexpr bool BLOCKS = true;

template <int STEP, size_t... I>
inline void exchange(Wide& a, Wide& b, std::index_sequence<I...>)
{
    const Wide low = __builtin_shufflevector(a, b, (I & STEP ? LANES + (I & ~STEP) : I)...);
    b = __builtin_shufflevector(a, b, (I & STEP ? LANES + I : I | STEP)...);
    a = low;
}

// Transposes a square of vectors, exchanging blocks of doubling size.
template <int STEP>
inline void transpose(Wide* square)
{
    for (int i = 0; i < LANES; i++)
        if (!(i & STEP)) exchange<STEP>(square[i], square[i | STEP], std::make_index_sequence<LANES>());
    if constexpr (STEP < LANES / 2) transpose<2 * STEP>(square);
}

void copy_block(const float* from, int64_t stride, int64_t rows, float* to)
{
    Wide square[LANES];
    for (int i = 0; i < LANES; i++) square[i] = load<Wide>(from + i * stride);
    transpose<1>(square);
    for (int i = 0; i < LANES; i++) store(square[i], to + i * rows);
}
#else
constexpr bool BLOCKS = false;
void copy_block(const float*, int64_t, int64_t, float*) {}
#endif

// A copy of b (inner, columns) in row-major order.
const float* by_rows(const float* b, int64_t inner, int64_t columns, int64_t row, int64_t column)
{
    thread_local std::vector<float> copy;
    copy.resize(inner * columns);
    float* to = copy.data();
    if (BLOCKS && row == 1 && inner % LANES == 0 && columns % LANES == 0)
        for (int64_t j = 0; j < columns; j += LANES)
            for (int64_t k = 0; k < inner; k += LANES) copy_block(b + j * column + k, column, columns, to + k * columns + j);
    else
        for (int64_t k = 0; k < inner; k++)
            for (int64_t j = 0; j < columns; j++) to[k * columns + j] = b[k * row + j * column];
    return to;
}

bool all_zero(const float* numbers, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES) {
        uint32_t bits = 0;
        if (i + LANES <= count)
            for (int n = 0; n < LANES; n++) bits |= __builtin_bit_cast(uint32_t, numbers[i + n]);
        else
            for (int64_t n = i; n < count; n++) bits |= __builtin_bit_cast(uint32_t, numbers[n]);
        if (bits << 1) return false;  // Zero may have a sign.
    }
    return true;
}

// Indices of the rows to compute if there is no bias. Rows of zeros are set to 0 directly, as their sums are 0: the
// gradient of a minimum over two critics is 0 in about half of each critic's rows. (Zero times NaN is then 0; a run with
// such weights has diverged, which other products show.)
void find_places(const Panel& p, int64_t columns, std::vector<int64_t>& places)
{
    places.clear();
    for (int64_t i = 0; i < p.rows; i++)
        if (all_zero(p.a + i * p.a_row, p.inner))
            memset(p.c + i * p.c_row, 0, columns * sizeof(float));
        else
            places.push_back(i);
}

struct Stack {
    float* at = nullptr;
    int64_t slot = 0, row = 0, column = 0;

    explicit Stack(Handle handle)
    {
        int64_t* strides;
        if (handle && !aoti_torch_get_data_ptr(handle, (void**)&at) && !aoti_torch_get_strides(handle, &strides))
            slot = strides[0], row = strides[1], column = strides[2];
    }
    float* operator[](int64_t s) const { return at ? at + s * slot : nullptr; }
};

}  // namespace

// a (N, I, J), b (N, J, K) -> out (N, I, K); bias (N, 1, K) and gate (N, I, K), row-major, are optional. See Panel.
extern "C" int32_t aoti_torch_cpu_stacked_product(
    Handle a, Handle b, Handle* bias, Handle* gate, int32_t relu, Handle* out)
{
    int64_t *left, *right;
    if (aoti_torch_get_sizes(a, &left) || aoti_torch_get_sizes(b, &right)) return 1;
    const int64_t slots = left[0], rows = left[1], inner = left[2], columns = right[2];
    const int64_t sizes[] = {slots, rows, columns}, strides[] = {rows * columns, columns, 1};
    const int32_t type = aoti_torch_dtype_float32(), device = aoti_torch_device_type_cpu();
    if (aoti_torch_empty_strided(3, sizes, strides, type, device, 0, out)) return 1;
    const Stack as(a), bs(b), biases(bias ? *bias : nullptr), gates(gate ? *gate : nullptr), cs(*out);
    thread_local std::vector<int64_t> places;
    places.resize(rows);
    std::iota(places.begin(), places.end(), 0);
    for (int64_t s = 0; s < slots; s++) {
        Panel p{
            as[s], bs[s], biases[s], gates[s], cs[s], nullptr, rows, inner,
            as.row, as.column, bs.row, gates.row, columns, relu != 0};
        if (!bias && as.column == 1) find_places(p, columns, places);
        p.places = places.data(), p.rows = places.size();
        if (bs.column != 1) p.b = by_rows(p.b, inner, columns, bs.row, bs.column), p.b_row = columns;
        const int64_t j = whole_vectors<MOST_VECTORS>(p, 0, columns), left = columns - j;
        if (left > WIDTH<Narrow>)
            last_columns<Wide>(p, j, left, rows);
        else if (left)
            last_columns<Narrow>(p, j, left, rows);
    }
    return 0;
}
