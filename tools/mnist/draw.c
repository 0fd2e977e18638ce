#include "draw.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/cli.h"

static int pixel(const picture *p, int64_t row, int64_t col)
{
    return row < p->rows ? p->pixels[row * p->cols + col] : 0;
}

/* 232 to 255 are the 24 greys of the 256-colour palette. */
static int grey(int value)
{
    return 232 + value * 23 / 255;
}

static void draw_grey(const picture *p)
{
    for (int64_t r = 0; r < p->rows; r += 2) {
        for (int64_t c = 0; c < p->cols; c++)
            printf("\033[38;5;%d;48;5;%dm\u2580", grey(pixel(p, r, c)), grey(pixel(p, r + 1, c)));
        puts("\033[0m");
    }
}

static void draw_blocks(const picture *p)
{
    static const char *const block[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};
    for (int64_t r = 0; r < p->rows; r += 2) {
        for (int64_t c = 0; c < p->cols; c++)
            fputs(block[pixel(p, r, c) > 127][pixel(p, r + 1, c) > 127], stdout);
        putchar('\n');
    }
}

static void draw_ascii(const picture *p)
{
    static const char ramp[] = " .:-=+*#%@";
    for (int64_t r = 0; r < p->rows; r += 2) {
        for (int64_t c = 0; c < p->cols; c++)
            putchar(ramp[(pixel(p, r, c) + pixel(p, r + 1, c)) * 9 / 510]);
        putchar('\n');
    }
}

void draw_picture(const picture *p)
{
    setlocale(LC_CTYPE, "");
    bool blocks = cli_terminal(STDOUT_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (blocks && cli_colour(STDOUT_FILENO))
        draw_grey(p);
    else if (blocks)
        draw_blocks(p);
    else
        draw_ascii(p);
}
