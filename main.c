/*
 * main - the program's entry; subcommands live in app/.
 */
int main(void)
{
    return 0;
}
