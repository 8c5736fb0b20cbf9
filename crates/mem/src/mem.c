/* memcpy, memmove, memcmp and bcmp in words, for any architecture: what is short is read whole before anything is
 * written, what is long goes in blocks, the ends of which may be copied twice. */

#include <stddef.h>
#include <stdint.h>

/* Words that are anywhere in memory. */
typedef uint16_t w2 __attribute__((aligned(1), may_alias));
typedef uint32_t w4 __attribute__((aligned(1), may_alias));
typedef uint64_t w8 __attribute__((aligned(1), may_alias));
typedef uint8_t w16 __attribute__((vector_size(16), aligned(1), may_alias));

#define AT(type, p) (*(type *)(p))
#define OF(type, p) (*(const type *)(p))

/* Both ends of a range of one to two words of the type. */
#define ENDS(type)                                            \
    do {                                                      \
        type first = OF(type, s), last = OF(type, s + n - sizeof(type)); \
        AT(type, d) = first;                                  \
        AT(type, d + n - sizeof(type)) = last;                \
        return to;                                            \
    } while (0)

static inline void *moved(void *to, const void *from, size_t n)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if (n <= 16) {
        if (n >= 8) ENDS(w8);
        if (n >= 4) ENDS(w4);
        if (n >= 2) ENDS(w2);
        if (n == 1) *d = *s;
        return to;
    }
    if (n <= 32) ENDS(w16);
    if (n <= 64) {
        w16 a = OF(w16, s), b = OF(w16, s + 16), y = OF(w16, s + n - 32), z = OF(w16, s + n - 16);
        AT(w16, d) = a;
        AT(w16, d + 16) = b;
        AT(w16, d + n - 32) = y;
        AT(w16, d + n - 16) = z;
        return to;
    }
    /* The last block is read before the first is written, and the other way round. */
    if ((uintptr_t)d - (uintptr_t)s >= n) {
        w16 w = OF(w16, s + n - 64), x = OF(w16, s + n - 48), y = OF(w16, s + n - 32), z = OF(w16, s + n - 16);
        unsigned char *end = d + n;
        for (; n > 64; n -= 64, s += 64, d += 64) {
            w16 a = OF(w16, s), b = OF(w16, s + 16), c = OF(w16, s + 32), e = OF(w16, s + 48);
            AT(w16, d) = a;
            AT(w16, d + 16) = b;
            AT(w16, d + 32) = c;
            AT(w16, d + 48) = e;
        }
        AT(w16, end - 64) = w;
        AT(w16, end - 48) = x;
        AT(w16, end - 32) = y;
        AT(w16, end - 16) = z;
    } else {
        w16 w = OF(w16, s), x = OF(w16, s + 16), y = OF(w16, s + 32), z = OF(w16, s + 48);
        for (; n > 64; n -= 64) {
            w16 a = OF(w16, s + n - 16), b = OF(w16, s + n - 32), c = OF(w16, s + n - 48), e = OF(w16, s + n - 64);
            AT(w16, d + n - 16) = a;
            AT(w16, d + n - 32) = b;
            AT(w16, d + n - 48) = c;
            AT(w16, d + n - 64) = e;
        }
        AT(w16, d) = w;
        AT(w16, d + 16) = x;
        AT(w16, d + 32) = y;
        AT(w16, d + 48) = z;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    return moved(to, from, n);
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    return moved(to, from, n);
}

/* The words in the order of their bytes. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BIG4(x) __builtin_bswap32(x)
#define BIG8(x) __builtin_bswap64(x)
#else
#define BIG4(x) (x)
#define BIG8(x) (x)
#endif

static inline int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int memcmp(const void *left, const void *right, size_t n)
{
    const unsigned char *l = left, *r = right;
    if (n >= 8) {
        for (size_t i = 0; i < n - 8; i += 8) {
            uint64_t a = OF(w8, l + i), b = OF(w8, r + i);
            if (a != b) return order(BIG8(a), BIG8(b));
        }
        return order(BIG8(OF(w8, l + n - 8)), BIG8(OF(w8, r + n - 8)));
    }
    if (n >= 4) {
        uint64_t a = (uint64_t)BIG4(OF(w4, l)) << 32 | BIG4(OF(w4, l + n - 4));
        uint64_t b = (uint64_t)BIG4(OF(w4, r)) << 32 | BIG4(OF(w4, r + n - 4));
        return order(a, b);
    }
    for (; n > 0; n--, l++, r++)
        if (*l != *r) return *l - *r;
    return 0;
}

int bcmp(const void *left, const void *right, size_t n)
{
    return memcmp(left, right, n);
}
