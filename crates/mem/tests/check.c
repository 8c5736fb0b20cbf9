/* Every length up to some blocks, from and to every place within a word, against loops over bytes. */

#include <stddef.h>
#include <stdio.h>

void *our_memmove(void *to, const void *from, size_t n);
void *our_memcpy(void *restrict to, const void *restrict from, size_t n);
int our_memcmp(const void *left, const void *right, size_t n);
int our_bcmp(const void *left, const void *right, size_t n);

enum { MOST = 330, ROOM = 1024 };

static unsigned char before[ROOM], ours[ROOM], wanted[ROOM];

static void fill(unsigned char *bytes)
{
    for (int i = 0; i < ROOM; i++) bytes[i] = (unsigned char)(i * 7 + i / 256 * 3 + 1);
}

static int copies(int to, int from, int n, int apart)
{
    fill(before);
    fill(ours);
    fill(wanted);
    for (int i = 0; i < n; i++) wanted[to + i] = before[from + i];
    void *gave = apart ? our_memcpy(ours + to, ours + from, n) : our_memmove(ours + to, ours + from, n);
    for (int i = 0; i < ROOM; i++)
        if (ours[i] != wanted[i] || gave != ours + to)
            return printf("%s of %d bytes from %d to %d: byte %d\n", apart ? "memcpy" : "memmove", n, from, to, i), 1;
    return 0;
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int compares(int left, int right, int n, int differs, int by)
{
    for (int i = 0; i < n; i++) ours[left + i] = before[right + i] = (unsigned char)(i * 7 + 100);
    if (differs < n) ours[left + differs] += by;
    int want = differs < n ? sign((int)ours[left + differs] - (int)before[right + differs]) : 0;
    /* What follows is not looked at. */
    ours[left + n] = 1;
    before[right + n] = 2;
    if (sign(our_memcmp(ours + left, before + right, n)) != want || !our_bcmp(ours + left, before + right, n) != !want)
        return printf("memcmp of %d bytes at %d and %d, byte %d by %d\n", n, left, right, differs, by), 1;
    return 0;
}

int main(void)
{
    for (int n = 0; n < MOST; n++) {
        for (int off = -70; off <= 70; off++)
            if (copies(100 + off, 100, n, 0)) return 1;
        for (int at = 0; at < 9; at++)
            if (copies(500 + at, 100, n, 0) || copies(500, 100 + at, n, 1)) return 1;
        for (int differs = 0; differs <= n; differs++)
            for (int at = 0; at < 9; at += 4)
                if (compares(100 + at, 100, n, differs, 1) || compares(100, 100 + at, n, differs, 200)) return 1;
    }
    return 0;
}
