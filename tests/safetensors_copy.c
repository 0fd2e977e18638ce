/* safetensors_copy IN OUT: reads a file and writes its arrays and its metadata "note", for
 * safetensors_interop.py. */
#include <stdio.h>
#include <stdlib.h>

#include <clade/io.h>

static int fail(void)
{
    fprintf(stderr, "safetensors_copy: %s\n", clade_last_error()->message);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    clade_safetensors *file;
    if (argc != 3)
        return EXIT_FAILURE;
    if (clade_safetensors_read(&file, argv[1]) != CLADE_OK)
        return fail();
    size_t count = clade_safetensors_count(file);
    clade_array *arrays = calloc(count + 1, sizeof *arrays);
    for (size_t i = 0; arrays && i < count; i++)
        arrays[i] = *clade_safetensors_get(file, count - 1 - i);
    const char *const metadata[] = {"note", clade_safetensors_metadata(file, "note")};
    clade_status status =
        clade_safetensors_write(argv[2], arrays, count, metadata, metadata[1] ? 1 : 0);
    free(arrays);
    clade_safetensors_free(&file);
    return status == CLADE_OK ? EXIT_SUCCESS : fail();
}
