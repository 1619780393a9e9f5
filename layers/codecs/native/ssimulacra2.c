/* SSIMULACRA2, a measure of how alike two pictures look: 100 for the same pixels, about 90 where nobody sees a
 * difference, below 0 for wrecks. From Jon Sneyers' (Cloudinary) published algorithm, with the weights of version 2.1.
 *
 * Both pictures are compared at up to six scales, each half of the one before in linear light, in three channels of the
 * XYB colour space made positive. At every scale a structural similarity and the edges that were lost or invented are
 * averaged over all pixels, once plainly and once as a 4-norm, and the averages are weighted.
 *
 * What makes it quick:
 * - All that concerns the original is computed once: its channels, and their blurred values and squares.
 * - Most weights are 0, so that whole channels need not be looked at: at full size only luma counts.
 * - Rows go through all steps while they are in the cache; no whole plane is written for the picture that is scored.
 *
 * Beyond its left and right sides a picture is taken as 0, above and below as its mirror image, as the Python package
 * `ssimulacra2` has it, the oracle of the tests. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"

enum { RADIUS = 5, TAPS = 2 * RADIUS + 1, RING = 16, SCALES = 6, CHANNELS = 3, NORMS = 6, LEAST_SIDE = 8 };
enum { X = 0, Y = 1, B = 2 };
enum { VALUE = 0, SQUARE = 1, PRODUCT = 2, PLAIN = 3, QUANTITIES = 4 };

/* For each channel, scale, and norm (plain, 4th): similarity, edges invented, edges lost. */
static const double WEIGHTS[CHANNELS * SCALES * NORMS] = {
    0.0, 0.0007376606707406586, 0.0, 0.0, 0.0007793481682867309, 0.0,
    0.0, 0.0004371155730107379, 0.0, 1.1041726426657346, 0.00066284834129271, 0.00015231632783718752,
    0.0, 0.0016406437456599754, 0.0, 1.8422455520539298, 11.441172603757666, 0.0,
    0.0007989109436015163, 0.000176816438078653, 0.0, 1.8787594979546387, 10.94906990605142, 0.0,
    0.0007289346991508072, 0.9677937080626833, 0.0, 0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053,
    0.0004550992113792063, 0.0, 0.0, 0.0013648766163243398, 0.0, 0.0,

    0.0, 0.0, 0.0, 7.466890328078848, 0.0, 17.445833984131262,
    0.0006235601634041466, 0.0, 0.0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264,
    225.20515300849274, 0.0, 0.0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985,
    176.39317598450694, 0.0, 0.0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408,
    0.0, 0.0, 0.0, 34.77906344483772, 44.835625328877896, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0,

    0.0, 0.0008680556573291698, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0005313191874358747, 0.0, 0.00016533814161379112, 0.0, 0.0,
    0.0, 0.0, 0.0, 0.0004179171803251336, 0.0017290828234722833, 0.0,
    0.0020827005846636437, 0.0, 0.0, 8.826982764996862, 23.19243343998926, 0.0,
    95.1080498811086, 0.9863978034400682, 0.9834382792465353, 0.0012286405048278493, 171.2667255897307,
    0.9807858872435379,
    0.0, 0.0, 0.0, 0.0005130064588990679, 0.0, 0.00010854057858411537,
};

/* With all scales at hand a weight below this moves no score by 0.05, and its channel is not looked at. */
static const double NEGLIGIBLE = 0.0025;

static const float BIAS = 0.0037930732552754493f; /* of the opsin absorbance, so that dark colours are not torn apart */
static const float C2 = 0.0009f;                  /* keeps the similarity of flat areas from dividing by 0 */

typedef struct {
    int is_used;                  /* whether any weight asks for it */
    float *value, *mean, *square; /* the channel, blurred, and its squares blurred */
} Plane;

typedef struct {
    size_t width, height;
    Plane planes[CHANNELS];
    double weights[CHANNELS][NORMS];
} Scale;

typedef struct Reference {
    size_t scale_count;
    Scale scales[SCALES];
    float kernel[RADIUS + 1];
    float linear_of[256];
    float *planes;     /* what the scales' planes point into */
    float *halves[2];  /* linear light at the scale that is worked on, and at the next: three planes each */
    float *rows;       /* linear rows, XYB rows, a padded row, and the rings of blurred rows */
} Reference;

typedef struct {
    const uint8_t *pixels;
    size_t channels; /* 1, 3 or 4 */
    unsigned ground; /* what is behind transparent pixels: a grey, 0 to 255 */
} Source;

typedef struct {
    double sums[SCALES][CHANNELS][NORMS];
} Sums;

/* ---- rows: everything below works on one row at a time, and is what the time goes into ---- */

static void linear_row(const Reference *reference, const Source *source, size_t y, size_t width, float *const out[3])
{
    const float *of = reference->linear_of;
    const uint8_t *in = source->pixels + y * width * source->channels;
    float *red = out[0], *green = out[1], *blue = out[2];
    if (source->channels == 1) {
        for (size_t x = 0; x < width; x++)
            red[x] = green[x] = blue[x] = of[in[x]];
    } else if (source->channels == 3) {
        for (size_t x = 0; x < width; x++, in += 3) {
            red[x] = of[in[0]];
            green[x] = of[in[1]];
            blue[x] = of[in[2]];
        }
    } else {
        for (size_t x = 0; x < width; x++, in += 4) {
            const unsigned alpha = in[3], behind = source->ground * (255 - alpha) + 127;
            red[x] = of[(in[0] * alpha + behind) / 255];
            green[x] = of[(in[1] * alpha + behind) / 255];
            blue[x] = of[(in[2] * alpha + behind) / 255];
        }
    }
}

/* A guess by the exponent's bits, then two steps of Halley's method: exact to float's rounding for positive numbers. */
INLINED float cube_root(float number)
{
    int32_t bits;
    float root;
    memcpy(&bits, &number, sizeof bits);
    bits = (int32_t)((float)bits * (1.0f / 3.0f)) + 709921077;
    memcpy(&root, &bits, sizeof root);
    for (int step = 0; step < 2; step++) {
        const float cube = root * root * root;
        root *= (cube + 2.0f * number) / (2.0f * cube + number);
    }
    return root;
}

INLINED float long_wave(float red, float green, float blue)
{
    return cube_root(0.30f * red + 0.622f * green + 0.078f * blue + BIAS);
}

INLINED float middle_wave(float red, float green, float blue)
{
    return cube_root(0.23f * red + 0.692f * green + 0.078f * blue + BIAS);
}

CLONED static void luma_row(const float *restrict red, const float *restrict green, const float *restrict blue,
                            size_t width, float *restrict luma)
{
    const float origin = cube_root(BIAS);
    for (size_t x = 0; x < width; x++) {
        const float l = long_wave(red[x], green[x], blue[x]), m = middle_wave(red[x], green[x], blue[x]);
        luma[x] = 0.5f * (l + m) - origin + 0.01f;
    }
}

CLONED static void xyb_row(const float *restrict red, const float *restrict green, const float *restrict blue,
                           size_t width, float *restrict out_x, float *restrict out_y, float *restrict out_b)
{
    const float origin = cube_root(BIAS);
    for (size_t x = 0; x < width; x++) {
        const float l = long_wave(red[x], green[x], blue[x]), m = middle_wave(red[x], green[x], blue[x]);
        const float s = cube_root(0.24342268924547819f * red[x] + 0.20476744424496821f * green[x]
                                  + 0.5518098665095536f * blue[x] + BIAS) - origin;
        const float luma = 0.5f * (l + m) - origin;
        out_x[x] = 7.0f * (l - m) + 0.42f;
        out_y[x] = luma + 0.01f;
        out_b[x] = s - luma + 0.55f;
    }
}

CLONED static void multiply_row(const float *restrict a, const float *restrict b, size_t width, float *restrict out)
{
    for (size_t x = 0; x < width; x++)
        out[x] = a[x] * b[x];
}

/* `in` has RADIUS zeros before its first value and after its last. */
CLONED static void blur_across(const float *restrict in, const float *restrict kernel, size_t width, float *restrict out)
{
    const float k0 = kernel[0], k1 = kernel[1], k2 = kernel[2], k3 = kernel[3], k4 = kernel[4], k5 = kernel[5];
    for (size_t x = 0; x < width; x++)
        out[x] = k0 * in[x] + k1 * (in[x - 1] + in[x + 1]) + k2 * (in[x - 2] + in[x + 2])
                 + k3 * (in[x - 3] + in[x + 3]) + k4 * (in[x - 4] + in[x + 4]) + k5 * (in[x - 5] + in[x + 5]);
}

CLONED static void blur_down(const float *const rows[TAPS], const float *restrict kernel, size_t width,
                             float *restrict out)
{
    const float *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2], *restrict d = rows[3];
    const float *restrict e = rows[4], *restrict f = rows[5], *restrict g = rows[6], *restrict h = rows[7];
    const float *restrict i = rows[8], *restrict j = rows[9], *restrict k = rows[10];
    const float k0 = kernel[0], k1 = kernel[1], k2 = kernel[2], k3 = kernel[3], k4 = kernel[4], k5 = kernel[5];
    for (size_t x = 0; x < width; x++)
        out[x] = k0 * f[x] + k1 * (e[x] + g[x]) + k2 * (d[x] + h[x]) + k3 * (c[x] + i[x]) + k4 * (b[x] + j[x])
                 + k5 * (a[x] + k[x]);
}

/* Adds to `sums` what one row says: similarity, edges invented, edges lost; plainly, and to the fourth power. Variances
 * and covariance are computed by one expression, so that a picture is exactly like itself. */
CLONED static void compare_row(const float *restrict value_1, const float *restrict mean_1,
                               const float *restrict square_1, const float *restrict value_2,
                               const float *restrict mean_2, const float *restrict square_2,
                               const float *restrict product, size_t width, double sums[NORMS])
{
    float similar_1 = 0, similar_4 = 0, invented_1 = 0, invented_4 = 0, lost_1 = 0, lost_4 = 0;
#pragma omp simd reduction(+ : similar_1, similar_4, invented_1, invented_4, lost_1, lost_4)
    for (size_t x = 0; x < width; x++) {
        const float m1 = mean_1[x], m2 = mean_2[x], apart = m1 - m2;
        const float variance_1 = square_1[x] - m1 * m1, variance_2 = square_2[x] - m2 * m2;
        const float covariance = product[x] - m1 * m2;
        const float alike = (1.0f - apart * apart) * (2.0f * covariance + C2) / (variance_1 + variance_2 + C2);
        const float unlike = 1.0f - alike > 0.0f ? 1.0f - alike : 0.0f;
        const float edge = (1.0f + fabsf(value_2[x] - m2)) / (1.0f + fabsf(value_1[x] - m1)) - 1.0f;
        const float invented = edge > 0.0f ? edge : 0.0f, lost = edge < 0.0f ? -edge : 0.0f;
        const float unlike_2 = unlike * unlike, invented_2 = invented * invented, lost_2 = lost * lost;
        similar_1 += unlike;
        similar_4 += unlike_2 * unlike_2;
        invented_1 += invented;
        invented_4 += invented_2 * invented_2;
        lost_1 += lost;
        lost_4 += lost_2 * lost_2;
    }
    sums[0] += similar_1;
    sums[1] += invented_1;
    sums[2] += lost_1;
    sums[3] += similar_4;
    sums[4] += invented_4;
    sums[5] += lost_4;
}

/* Halves two rows to one; at an odd end the last column counts twice, and `below` is `above` at an odd bottom. */
CLONED static void halve_rows(const float *restrict above, const float *restrict below, size_t width,
                              float *restrict out)
{
    for (size_t x = 0; x < width / 2; x++)
        out[x] = 0.25f * (above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1]);
    if (width & 1)
        out[width / 2] = 0.5f * (above[width - 1] + below[width - 1]);
}

/* ---- scales: rows are driven through the steps ---- */

typedef struct {
    Reference *reference;
    size_t width;     /* of the scale */
    float *linear[2][3], *xyb[3], *padded, *blurred[3], *rings;
} Workspace;

static size_t row_floats(size_t width)
{
    return (6 + 3 + 1 + 3 + CHANNELS * QUANTITIES * RING) * (width + 2 * RADIUS);
}

static Workspace workspace(Reference *reference, size_t width)
{
    Workspace work = {.reference = reference, .width = width};
    float *next = reference->rows;
    const size_t stride = width + 2 * RADIUS;
    for (int i = 0; i < 6; i++, next += stride)
        work.linear[i / 3][i % 3] = next;
    for (int i = 0; i < 3; i++, next += stride)
        work.xyb[i] = next;
    work.padded = next;
    memset(work.padded, 0, stride * sizeof *work.padded);
    next += stride;
    for (int i = 0; i < 3; i++, next += stride)
        work.blurred[i] = next;
    work.rings = next;
    return work;
}

static float *ring_row(const Workspace *work, int channel, int quantity, size_t y)
{
    return work->rings + (((size_t)channel * QUANTITIES + (size_t)quantity) * RING + y % RING) * work->width;
}

static void blur_into_ring(const Workspace *work, int channel, int quantity, size_t y)
{
    blur_across(work->padded + RADIUS, work->reference->kernel, work->width, ring_row(work, channel, quantity, y));
}

/* Takes in row `y` of a channel. */
static void push_row(const Workspace *work, const Plane *plane, int channel, size_t y, int is_building)
{
    const float *values = work->xyb[channel];
    float *padded = work->padded + RADIUS;
    const size_t width = work->width, bytes = width * sizeof *values;
    memcpy(padded, values, bytes);
    blur_into_ring(work, channel, VALUE, y);
    multiply_row(values, values, width, padded);
    blur_into_ring(work, channel, SQUARE, y);
    if (is_building) {
        memcpy(plane->value + y * width, values, bytes);
    } else {
        memcpy(ring_row(work, channel, PLAIN, y), values, bytes);
        multiply_row(values, plane->value + y * width, width, padded);
        blur_into_ring(work, channel, PRODUCT, y);
    }
}

/* Blurs one quantity of row `y` downwards, when the RADIUS rows below it are in the ring. */
static void blur_of(const Workspace *work, int channel, int quantity, size_t y, size_t height, float *out)
{
    const float *rows[TAPS];
    for (ptrdiff_t tap = 0; tap < TAPS; tap++) {
        ptrdiff_t row = (ptrdiff_t)y + tap - RADIUS;
        row = row < 0 ? -1 - row : row >= (ptrdiff_t)height ? 2 * (ptrdiff_t)height - 1 - row : row;
        rows[tap] = ring_row(work, channel, quantity, (size_t)row);
    }
    blur_down(rows, work->reference->kernel, work->width, out);
}

static void pull_row(const Workspace *work, const Plane *plane, int channel, size_t y, size_t height, double *sums)
{
    const size_t at = y * work->width;
    if (sums == NULL) {
        blur_of(work, channel, VALUE, y, height, plane->mean + at);
        blur_of(work, channel, SQUARE, y, height, plane->square + at);
        return;
    }
    for (int quantity = VALUE; quantity <= PRODUCT; quantity++)
        blur_of(work, channel, quantity, y, height, work->blurred[quantity]);
    compare_row(plane->value + at, plane->mean + at, plane->square + at, ring_row(work, channel, PLAIN, y),
                work->blurred[VALUE], work->blurred[SQUARE], work->blurred[PRODUCT], work->width, sums);
}

static void linear_rows(const Workspace *work, const Source *source, const float *planes, size_t y, size_t height)
{
    float *const *out = work->linear[y & 1];
    if (planes == NULL) {
        linear_row(work->reference, source, y, work->width, out);
        return;
    }
    for (size_t i = 0; i < 3; i++)
        memcpy(out[i], planes + (i * height + y) * work->width, work->width * sizeof *planes);
}

/* Writes the row of the next scale that row `y` completes. */
static void halve(const Workspace *work, float *next, size_t y, size_t height)
{
    if (!(y & 1) && y + 1 < height)
        return;
    const size_t width = (work->width + 1) / 2, rows = (height + 1) / 2;
    for (size_t i = 0; i < 3; i++)
        halve_rows(work->linear[0][i], work->linear[y & 1][i], work->width, next + (i * rows + y / 2) * width);
}

static int is_used(const Scale *scale, int channel)
{
    return scale->planes[channel].is_used;
}

static void work_on_scale(Reference *reference, size_t level, const Source *source, Sums *sums)
{
    const Scale *scale = &reference->scales[level];
    const Workspace work = workspace(reference, scale->width);
    const float *planes = level == 0 ? NULL : reference->halves[(level + 1) & 1];
    float *next = level + 1 < reference->scale_count ? reference->halves[level & 1] : NULL;
    const size_t height = scale->height;
    for (size_t y = 0; y < height + RADIUS; y++) {
        if (y < height) {
            linear_rows(&work, source, planes, y, height);
            float *const *rgb = work.linear[y & 1];
            if (is_used(scale, X) || is_used(scale, B))
                xyb_row(rgb[0], rgb[1], rgb[2], work.width, work.xyb[X], work.xyb[Y], work.xyb[B]);
            else if (is_used(scale, Y))
                luma_row(rgb[0], rgb[1], rgb[2], work.width, work.xyb[Y]);
            if (next != NULL)
                halve(&work, next, y, height);
        }
        for (int channel = 0; channel < CHANNELS; channel++) {
            const Plane *plane = &scale->planes[channel];
            if (!is_used(scale, channel))
                continue;
            if (y < height)
                push_row(&work, plane, channel, y, sums == NULL);
            if (y >= RADIUS)
                pull_row(&work, plane, channel, y - RADIUS, height, sums ? sums->sums[level][channel] : NULL);
        }
    }
}

/* ---- what others call ---- */

static void prepare_tables(Reference *reference)
{
    double sum = 0;
    for (int i = 0; i <= RADIUS; i++)
        sum += (i ? 2 : 1) * exp(-0.5 * i * i / (1.5 * 1.5));
    for (int i = 0; i <= RADIUS; i++)
        reference->kernel[i] = (float)(exp(-0.5 * i * i / (1.5 * 1.5)) / sum);
    for (int i = 0; i < 256; i++) {
        const double v = i / 255.0;
        reference->linear_of[i] = (float)(v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
}

/* Finds out the scales and which of their channels count, and returns how many floats their planes take. With fewer
 * scales the weights move up: they are used one after the other. */
static size_t plan_scales(Reference *reference, size_t width, size_t height)
{
    for (; reference->scale_count < SCALES && width >= LEAST_SIDE && height >= LEAST_SIDE; reference->scale_count++) {
        reference->scales[reference->scale_count].width = width;
        reference->scales[reference->scale_count].height = height;
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
    const double *weight = WEIGHTS;
    const double least = reference->scale_count == SCALES ? NEGLIGIBLE : 0.0;
    size_t floats = 0;
    for (int channel = 0; channel < CHANNELS; channel++)
        for (size_t level = 0; level < reference->scale_count; level++) {
            Scale *scale = &reference->scales[level];
            for (int norm = 0; norm < NORMS; norm++, weight++) {
                scale->weights[channel][norm] = *weight;
                if (*weight > least)
                    scale->planes[channel].is_used = 1;
            }
            if (is_used(scale, channel))
                floats += 3 * scale->width * scale->height;
        }
    return floats;
}

static void place_planes(Reference *reference)
{
    float *next = reference->planes;
    for (size_t level = 0; level < reference->scale_count; level++)
        for (int channel = 0; channel < CHANNELS; channel++) {
            Scale *scale = &reference->scales[level];
            const size_t floats = scale->width * scale->height;
            if (!is_used(scale, channel))
                continue;
            scale->planes[channel] = (Plane){1, next, next + floats, next + 2 * floats};
            next += 3 * floats;
        }
}

static float *floats_or_null(size_t count)
{
    return count > SIZE_MAX / sizeof(float) ? NULL : malloc((count ? count : 1) * sizeof(float));
}

EXPORTED void ssimulacra2_free(Reference *reference)
{
    if (reference == NULL)
        return;
    free(reference->planes);
    free(reference->halves[0]);
    free(reference->halves[1]);
    free(reference->rows);
    free(reference);
}

/* Returns what is to be known of the original, or NULL without memory. `pixels`: `height` rows of `width` times
 * `channels` bytes in sRGB; 1, 3 or 4 channels, the last of 4 alpha, not premultiplied. */
EXPORTED Reference *ssimulacra2_new(const uint8_t *pixels, size_t width, size_t height, size_t channels,
                                    unsigned ground)
{
    Reference *reference = calloc(1, sizeof *reference);
    if (reference == NULL)
        return NULL;
    prepare_tables(reference);
    const size_t floats = plan_scales(reference, width, height);
    const size_t half = 3 * ((width + 1) / 2) * ((height + 1) / 2), quarter = 3 * ((width + 3) / 4) * ((height + 3) / 4);
    reference->planes = floats_or_null(floats);
    reference->halves[0] = floats_or_null(half);
    reference->halves[1] = floats_or_null(quarter);
    reference->rows = floats_or_null(row_floats(width));
    if (!reference->planes || !reference->halves[0] || !reference->halves[1] || !reference->rows) {
        ssimulacra2_free(reference);
        return NULL;
    }
    place_planes(reference);
    const Source source = {pixels, channels, ground};
    for (size_t level = 0; level < reference->scale_count; level++)
        work_on_scale(reference, level, &source, NULL);
    return reference;
}

/* Returns the score of a picture of the same size, over the same ground. Not for two threads at once. */
EXPORTED double ssimulacra2_score(Reference *reference, const uint8_t *pixels, size_t channels, unsigned ground)
{
    Sums sums = {0};
    const Source source = {pixels, channels, ground};
    double total = 0;
    for (size_t level = 0; level < reference->scale_count; level++) {
        const Scale *scale = &reference->scales[level];
        const double count = (double)scale->width * (double)scale->height;
        work_on_scale(reference, level, &source, &sums);
        for (int channel = 0; channel < CHANNELS; channel++)
            for (int norm = 0; norm < NORMS; norm++) {
                const double mean = sums.sums[level][channel][norm] / count;
                total += scale->weights[channel][norm] * (norm < 3 ? mean : sqrt(sqrt(mean)));
            }
    }
    total *= 0.9562382616834844;
    total = 2.326765642916932 * total - 0.020884521182843837 * total * total
            + 6.248496625763138e-05 * total * total * total;
    return total > 0 ? 100.0 - 10.0 * pow(total, 0.6276336467831387) : 100.0;
}
